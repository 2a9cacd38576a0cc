package fallback_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/parleytest"
)

// site has a login, and a WebSocket app for whoever is logged in. Authentication is
// above the fallback, or below it.
type site struct {
	host
	served *fallback.App
	app    parley.App
	stack  parley.Middleware
	login  *auth.Sessions
}

func newSite(t *testing.T, above bool) *site {
	manager := &scs.SessionManager{
		Store: memstore.NewWithCleanupInterval(0), Codec: scs.GobCodec{}, Lifetime: 1 << 40,
		Cookie: scs.SessionCookie{Name: "session", Path: "/", HttpOnly: true},
	}
	identify := func(_ context.Context, id string) (*auth.Identity, error) {
		return &auth.Identity{ID: id, User: id}, nil
	}
	s := new(site)
	s.login = auth.NewSessions(auth.SessionOptions{Manager: manager, Identify: identify})
	s.stack = auth.Stack(auth.StackOptions{
		Logger: silent, Sessions: manager,
		Auth: auth.Options{Authenticators: []auth.Authenticator{s.login}},
	})
	who := func(app parley.App) parley.App {
		return parley.Chain(app, s.stack, auth.Require(auth.RequireOptions{}))
	}
	if above {
		s.served = serve(t, s.echo(), fallback.Options{})
		s.app = who(s.served)
		return s
	}
	s.served = serve(t, who(s.echo()), fallback.Options{})
	s.app = s.served
	return s
}

// do has a visitor log in or out.
func (s *site) do(
	t *testing.T, cookie string, act func(ctx context.Context) error,
) (changed string) {
	t.Helper()
	app := s.stack(parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		if err := act(ctx); err != nil {
			return err
		}
		return parley.Respond(ctx, conn, 204, nil, nil)
	}))
	r := (&client{as: visitor(cookie)}).request("POST", "")
	got := parleytest.Do(t, app, r)
	if got.Status != 204 {
		t.Fatalf("%+v", got)
	}
	for _, cookie := range (&http.Response{Header: got.Header}).Cookies() {
		changed = cookie.Value
	}
	return changed
}

func (s *site) enter(t *testing.T, name string) (cookie string) {
	t.Helper()
	return s.do(t, "", func(ctx context.Context) error {
		return s.login.Login(ctx, &auth.Identity{ID: name, User: name})
	})
}

// visitor makes requests those of a browser with a login.
func visitor(cookie string) func(*http.Request) *http.Request {
	return func(r *http.Request) *http.Request {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		if cookie != "" {
			r.AddCookie(&http.Cookie{Name: "session", Value: cookie})
		}
		return r
	}
}

// Authentication above and below: the session is its owner's, and ends with the
// login.
func TestAuth(t *testing.T) {
	for name, above := range map[string]bool{"above": true, "below": false} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				s := newSite(t, above)
				if got := (&client{t: t, app: s.app, streams: streams, as: visitor("")}).open(); got != 401 {
					t.Errorf("anonymous: %d", got)
				}
				ann, bob := s.enter(t, "ann"), s.enter(t, "bob")
				c := (&client{t: t, app: s.app, streams: streams, as: visitor(ann)}).mustOpen()
				c.post("mine")
				if got := c.message(); got != "mine" {
					t.Errorf("got %q", got)
				}
				thief := *c
				thief.as, thief.cookie = visitor(bob), nil
				nobody := thief
				nobody.as = nil
				for _, other := range []client{thief, nobody} {
					for _, method := range []string{"POST", "DELETE"} {
						if got := other.do(method, "stolen").Status; got != 404 && got != 401 {
							t.Errorf("%s: %d", method, got)
						}
					}
				}
				c.attach()
				synctest.Wait()
				s.do(t, ann, s.login.Logout)
				synctest.Wait()
				if got := s.causes(); len(got) != 1 || !errors.Is(got[0], parley.ErrAuthExpired) && above {
					t.Errorf("ended with %v", got)
				}
				if got := c.ended(); got != 4401 {
					t.Errorf("closed with %d", got)
				}
				if heard := s.heard(); len(heard) != 1 {
					t.Errorf("heard %q", heard)
				}
				settled(t, s.served)
			})
		})
	}
}
