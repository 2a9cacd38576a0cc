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
)

// failing is a store that works until something is found to fail.
type failing struct {
	scs.Store
	find, commit, remove bool
}

func (f *failing) Find(token string) ([]byte, bool, error) {
	if f.find {
		return nil, false, errInner
	}
	return f.Store.Find(token)
}

func (f *failing) Commit(token string, b []byte, expiry time.Time) error {
	if f.commit {
		return errInner
	}
	return f.Store.Commit(token, b, expiry)
}

func (f *failing) Delete(token string) error {
	if f.remove {
		return errInner
	}
	return f.Store.Delete(token)
}

// silent are Revocations whose broker is down.
type silent struct{ watch, revoke error }

func (s silent) Watch(context.Context, []string, func(error)) (func(), error) {
	return func() {}, s.watch
}
func (s silent) Revoke(context.Context, string) error { return s.revoke }

type forgetful struct{}

func (forgetful) Spend(context.Context, string, time.Time) (bool, error) { return false, errInner }

// Whatever does not answer that must say who may come in, nobody comes in, and the
// client is told to try again: with 503, or on an open socket with 1013.
func TestStoresThatFail(t *testing.T) {
	type act = func(context.Context) error
	put := func(s *site) act {
		return func(ctx context.Context) error { s.manager.Put(ctx, "a", "2"); return nil }
	}
	logout := func(s *site) act { return s.sessions.Logout }
	clear := func(s *site) act { return s.manager.Clear }
	login := func(s *site) act {
		bob := &auth.Identity{ID: "bob"}
		return func(ctx context.Context) error { return s.sessions.Login(ctx, bob) }
	}
	revoke := func(*site) act {
		down := silent{revoke: errInner}
		return func(ctx context.Context) error { return auth.RevokeUser(ctx, down, "ann") }
	}
	for _, test := range []struct {
		name    string
		broken  failing
		options func(o *auth.Options)
		act     func(s *site) act
		only    parley.Protocol // where it can be seen, if it is not both
	}{
		{"loading", failing{find: true}, nil, put, ""},
		{"saving", failing{commit: true}, nil, put, ""},
		{"ending", failing{remove: true}, nil, logout, ""},
		{"renewing", failing{remove: true}, nil, login, ""},
		{"emptying", failing{remove: true}, nil, clear, ""},
		{"asking who it is", failing{}, func(o *auth.Options) {
			o.Authenticators = []auth.Authenticator{auth.AuthenticatorFunc(
				func(context.Context, *parley.Scope) (*auth.Identity, error) { return nil, errInner })}
		}, put, ""},
		{"hearing of revocations", failing{}, func(o *auth.Options) {
			o.Revocations = silent{watch: errInner}
		}, put, parley.WebSocket},
		{"telling of revocations", failing{}, func(o *auth.Options) {
			o.Revocations = silent{revoke: errInner}
		}, logout, parley.HTTP},
		{"revoking a user", failing{}, nil, revoke, ""},
		{"spending tickets", failing{}, func(o *auth.Options) {
			o.Authenticators = []auth.Authenticator{newTickets(forgetful{})}
		}, put, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite()
			cookie := s.login(t, "", "ann")
			store := test.broken
			store.Store = s.manager.Store
			s.manager.Store = &store
			if test.options != nil {
				test.options(&s.options)
			}
			ticket, _ := newTickets(nil).Issue("ann")
			app := s.app(parley.AppFunc(func(
				ctx context.Context, scope *parley.Scope, conn parley.Conn,
			) error {
				if err := test.act(s)(ctx); err != nil {
					return err
				}
				if scope.Protocol == parley.WebSocket {
					return conn.Send(ctx, parley.WebSocketAccept{})
				}
				return parley.Respond(ctx, conn, 200, nil, nil)
			}))
			r := get("/?ticket="+ticket, "Cookie", cookie)
			if test.only != parley.WebSocket {
				got := parleytest.Do(t, app, r)
				if got.Status != 503 || !errors.Is(got.Err, errInner) ||
					!errors.Is(got.Err, auth.ErrUnavailable) {
					t.Errorf("HTTP: %d %v", got.Status, got.Err)
				}
			}
			if test.only == parley.HTTP {
				return // the session is gone
			}
			ticket, _ = newTickets(nil).Issue("ann")
			denial := parleytest.Dial(t, app, get("/?ticket="+ticket, "Cookie", cookie)).Denial()
			if denial.Status != 503 || !errors.Is(denial.Err, errInner) {
				t.Errorf("WebSocket: %d %v", denial.Status, denial.Err)
			}
		})
	}
	if code := parley.CodeOf(auth.ErrUnavailable); code != parley.CloseTryAgainLater {
		t.Errorf("code %d", code)
	}
}

// What says itself how it is answered is answered so.
func TestTroubleThatSaysItself(t *testing.T) {
	for want, err := range map[int]error{
		401: &middleware.Refusal{By: "test", Reason: "unknown", Status: 401},
		429: parley.ErrRateLimited,
		500: auth.ErrNoSession,
	} {
		authenticator := auth.AuthenticatorFunc(
			func(context.Context, *parley.Scope) (*auth.Identity, error) { return nil, err })
		if got := parleytest.Do(t, authWith(authenticator)(new(inner)), get("/")).Status; got != want {
			t.Errorf("%v: status %d, want %d", err, got, want)
		}
	}
}

// An app may return what User says.
func TestErrorOfUserIsAnswered(t *testing.T) {
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if scope.Request.URL.Path == "/late" {
			conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
		}
		_, err := auth.User[*account](ctx)
		return err
	})
	refused := authWith(newBearer())(app)
	got := parleytest.Do(t, refused, get("/"))
	if got.Status != 401 || got.Header.Get("WWW-Authenticate") != "Bearer" || got.Err != nil {
		t.Errorf("HTTP: %d %v %v", got.Status, got.Header, got.Err)
	}
	if status := parleytest.Dial(t, refused, get("/")).Denial().Status; status != 401 {
		t.Errorf("WebSocket: %d", status)
	}
	got = parleytest.Do(t, refused, get("/late"))
	if got.Status != 200 || !errors.Is(got.Err, auth.ErrAnonymous) {
		t.Errorf("late: %d %v", got.Status, got.Err)
	}
}
