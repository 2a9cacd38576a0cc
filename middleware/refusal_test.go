package middleware_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

// TestRefuse: what a refusal says is in the answer, and no header that it does not need.
func TestRefuse(t *testing.T) {
	later := func(after time.Duration) middleware.Refusal {
		return middleware.Refusal{Status: 429, RetryAfter: after}
	}
	for name, test := range map[string]struct {
		refusal     middleware.Refusal
		header, has string // of these two headers the only one
	}{
		"plain":  {middleware.Refusal{Status: 403}, "", ""},
		"at all": {later(time.Nanosecond), "Retry-After", "1"},
		"later":  {later(1500 * time.Millisecond), "Retry-After", "2"},
		"exact":  {later(2 * time.Second), "Retry-After", "2"},
		"login":  {middleware.Refusal{Status: 401, Challenge: "Bearer"}, "Www-Authenticate", "Bearer"},
	} {
		t.Run(name, func(t *testing.T) {
			app := parley.AppFunc(
				func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
					return middleware.Refuse(ctx, scope, conn, nil, &test.refusal)
				},
			)
			answer := parleytest.Do(t, app, get("/"))
			denial := parleytest.Dial(t, app, get("/")).Denial()
			for _, got := range []*parleytest.Response{answer, denial} {
				if got.Status != test.refusal.Status ||
					got.Body != http.StatusText(got.Status)+"\n" {
					t.Errorf("%d %q", got.Status, got.Body)
				}
				for _, header := range []string{"Retry-After", "Www-Authenticate"} {
					values := got.Header[header]
					if (header == test.header) != (values != nil) ||
						values != nil && values[0] != test.has {
						t.Errorf("%s: %q, want %q", header, values, test.has)
					}
				}
			}
		})
	}
}
