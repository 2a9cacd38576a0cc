package parley_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

func TestAnswer(t *testing.T) {
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return parley.Answer(ctx, scope, conn, http.StatusTeapot, http.Header{"X-A": {"1"}}, []byte("tea\n"))
	})
	answer := parleytest.Do(t, app, httptest.NewRequest("GET", "/", nil))
	if answer.Status != http.StatusTeapot || answer.Header.Get("X-A") != "1" || answer.Body != "tea\n" {
		t.Errorf("the answer is %+v", answer)
	}
	denied := parleytest.Dial(t, app, httptest.NewRequest("GET", "/", nil)).Denial()
	if denied == nil || denied.Status != http.StatusTeapot || denied.Body != "tea\n" {
		t.Errorf("the denial is %+v", denied)
	}
	err := parley.Answer(t.Context(), &parley.Scope{Protocol: parley.Lifespan}, nil, 200, nil, nil)
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a lifespan is answered: %v", err)
	}
}
