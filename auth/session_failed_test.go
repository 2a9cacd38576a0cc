package auth_test

import (
	"context"
	"errors"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/parleytest"
	"github.com/parleygo/parley/router"
)

// TestSessionOfAppThatFails: what an app has changed before it returns an error that
// is the client's is saved, and the client has the cookie; what is ours saves nothing.
func TestSessionOfAppThatFails(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		status int
		saved  bool
	}{
		{"not found", parley.ErrNotFound, 404, true},
		{"malformed", parley.ErrInvalidPayload, 400, true},
		{"too many", parley.ErrRateLimited, 429, true},
		{"draining", parley.ErrDraining, 503, false},
		{"broken", errors.New("broken"), 500, false},
		{"nothing", nil, 500, false},
	} {
		for _, known := range []bool{true, false} {
			manager := newSessions()
			var headers []string
			cookie := ""
			if known {
				cookie = stored(t, manager, "attempts", "1")
				headers = []string{"Cookie", cookie}
			}
			app := auth.LoadAndSave(manager)(parley.AppFunc(
				func(ctx context.Context, _ *parley.Scope, _ parley.Conn) error {
					manager.Put(ctx, "attempts", "2")
					return c.err
				}))
			got := parleytest.Do(t, app, get("/", headers...))
			if now := setCookie(got.Header); now != "" {
				cookie = now
			}
			saved := cookie != "" && value(t, manager, cookie, "attempts") == "2"
			if got.Status != c.status || saved != c.saved || !errors.Is(got.Err, c.err) {
				t.Errorf("%s, known %t: %d, saved %t", c.name, known, got.Status, saved)
			}
			denial := parleytest.Dial(t, app, get("/")).Denial()
			if denial.Status != c.status || (setCookie(denial.Header) != "") != c.saved {
				t.Errorf("%s: denied with %d, cookie %q", c.name, denial.Status, setCookie(denial.Header))
			}
		}
	}
}

// TestSessionBelowRouter: a router above goes on with its next route all the same.
func TestSessionBelowRouter(t *testing.T) {
	manager := newSessions()
	counting := func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			manager.Put(ctx, "visits", "1")
			return next.Serve(ctx, scope, conn)
		})
	}
	var site, inner router.URLs
	inner.Handle("/here", new(inner200))
	site.Mount("/a", parley.Chain(&inner, auth.LoadAndSave(manager), counting))
	site.Handle("/{rest...}", new(inner200))
	if got := parleytest.Do(t, &site, get("/a/elsewhere")); got.Status != 200 {
		t.Errorf("status %d", got.Status)
	}
}

type inner200 struct{}

func (*inner200) Serve(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
	return parley.Respond(ctx, conn, 200, nil, nil)
}
