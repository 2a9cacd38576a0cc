package auth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/middleware"
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
			app := auth.LoadAndSave(manager)(counting(manager, c.err))
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

// TestSessionOfAppThatFailsAndStore: where the store fails as well, it is its failure that
// is answered, since nothing was saved.
func TestSessionOfAppThatFailsAndStore(t *testing.T) {
	for _, err := range []error{
		parley.ErrNotFound, parley.ErrRateLimited, &middleware.Refusal{Status: 429, Err: parley.ErrKicked},
	} {
		manager := newSessions()
		manager.Store = &failing{Store: manager.Store, commit: true}
		got := parleytest.Do(t, auth.LoadAndSave(manager)(counting(manager, err)), get("/"))
		if got.Status != 503 || !errors.Is(got.Err, auth.ErrUnavailable) || setCookie(got.Header) != "" {
			t.Errorf("%v: %d, %v", err, got.Status, got.Err)
		}
	}
}

// TestSessionOfAppThatRefuses: a refusal that an app returns is answered in its own words.
func TestSessionOfAppThatRefuses(t *testing.T) {
	manager := newSessions()
	app := counting(manager, &middleware.Refusal{
		Status: 403, RetryAfter: 3 * time.Second, Challenge: "Bearer", Err: parley.ErrRateLimited,
	})
	var reported int
	guard := auth.Middleware(auth.Options{
		Authenticators: []auth.Authenticator{noCredentials},
		Report:         func(context.Context, *parley.Scope, *middleware.Refusal) { reported++ },
	})
	got := parleytest.Do(t, parley.Chain(app, guard, auth.LoadAndSave(manager)), get("/"))
	retry, challenge := got.Header.Get("Retry-After"), got.Header.Get("WWW-Authenticate")
	if got.Status != 403 || retry != "3" || challenge != "Bearer" || reported != 1 {
		t.Errorf("%d, %v, reported %d times", got.Status, got.Header, reported)
	}
	if got := value(t, manager, setCookie(got.Header), "attempts"); got != "2" {
		t.Errorf("%q attempts", got)
	}
}

// counting is an app that counts an attempt in the session and returns err.
func counting(manager *scs.SessionManager, err error) parley.App {
	return parley.AppFunc(func(ctx context.Context, _ *parley.Scope, _ parley.Conn) error {
		manager.Put(ctx, "attempts", "2")
		return err
	})
}

// TestSessionBelowRouter: a router above goes on with its next route all the same.
func TestSessionBelowRouter(t *testing.T) {
	manager := newSessions()
	visited := func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			manager.Put(ctx, "visits", "1")
			return next.Serve(ctx, scope, conn)
		})
	}
	var site, inner router.URLs
	inner.Handle("/here", new(inner200))
	site.Mount("/a", parley.Chain(&inner, auth.LoadAndSave(manager), visited))
	site.Handle("/{rest...}", new(inner200))
	if got := parleytest.Do(t, &site, get("/a/elsewhere")); got.Status != 200 {
		t.Errorf("status %d", got.Status)
	}
}

type inner200 struct{}

func (*inner200) Serve(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
	return parley.Respond(ctx, conn, 200, nil, nil)
}
