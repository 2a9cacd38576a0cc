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
	for name, test := range map[string]struct {
		refusal middleware.Refusal
		want    http.Header // of these, the others are absent
	}{
		"plain":  {middleware.Refusal{Status: 403}, nil},
		"at all": {middleware.Refusal{Status: 429, RetryAfter: time.Nanosecond}, http.Header{"Retry-After": {"1"}}},
		"later":  {middleware.Refusal{Status: 429, RetryAfter: 1500 * time.Millisecond}, http.Header{"Retry-After": {"2"}}},
		"exact":  {middleware.Refusal{Status: 429, RetryAfter: 2 * time.Second}, http.Header{"Retry-After": {"2"}}},
		"login":  {middleware.Refusal{Status: 401, Challenge: "Bearer"}, http.Header{"Www-Authenticate": {"Bearer"}}},
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
					if _, has := got.Header[header]; has != (test.want[header] != nil) ||
						got.Header.Get(header) != test.want.Get(header) {
						t.Errorf("%s: %q, want %q", header, got.Header[header], test.want[header])
					}
				}
			}
		})
	}
}
