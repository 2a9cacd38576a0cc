package auth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/parleytest"
)

// site is an app with session logins, and how often it asked its database.
type site struct {
	manager  *scs.SessionManager
	sessions *auth.Sessions
	stamps   sync.Map // the users, and what their passwords hash to
	asked    atomic.Int64
	options  auth.Options
}

func newSite() *site {
	s := &site{manager: newSessions()}
	s.stamps.Store("ann", "1")
	s.stamps.Store("bob", "1")
	s.sessions = auth.NewSessions(auth.SessionOptions{Manager: s.manager, Identify: s.identify})
	s.options.Authenticators = []auth.Authenticator{s.sessions, newBearer()}
	return s
}

func (s *site) identify(_ context.Context, id string) (*auth.Identity, error) {
	s.asked.Add(1)
	stamp, ok := s.stamps.Load(id)
	if !ok {
		return nil, nil
	}
	return &auth.Identity{ID: id, User: &account{id}, Stamp: stamp.(string)}, nil
}

func (s *site) app(app parley.App) parley.App {
	return parley.Chain(app, auth.LoadAndSave(s.manager), auth.Middleware(s.options))
}

// act serves one request that calls f, and returns the cookie that was set and
// f's error.
func (s *site) act(
	t *testing.T, cookie string, f func(ctx context.Context) error,
) (set string, err error) {
	t.Helper()
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		err = f(ctx)
		return parley.Respond(ctx, conn, 200, nil, nil)
	})
	return setCookie(parleytest.Do(t, s.app(app), get("/", "Cookie", cookie)).Header), err
}

func (s *site) login(t *testing.T, cookie, id string) string {
	t.Helper()
	set, err := s.act(t, cookie, func(ctx context.Context) error {
		identity, _ := s.identify(ctx, id)
		if err := s.sessions.Login(ctx, identity); err != nil {
			return err
		}
		if user, err := auth.User[*account](ctx); err != nil || user.name != id {
			t.Errorf("after login: %v, %v", user, err)
		}
		return nil
	})
	if err != nil || !strings.HasPrefix(set, "session=") {
		t.Fatalf("login: cookie %q, %v", set, err)
	}
	return set
}

func (s *site) whoami(t *testing.T, cookie string) string {
	t.Helper()
	return parleytest.Do(t, s.app(whoami), get("/", "Cookie", cookie)).Body
}

const nobody = "auth: nobody is logged in"

func TestLoginRowsB5_9(t *testing.T) {
	s := newSite()
	planted := stored(t, s.manager, "cart", "apples")
	ann := s.login(t, planted, "ann")
	if ann == planted || s.whoami(t, planted) != nobody {
		t.Error("B5.9 nobody before: the key was not cycled")
	}
	if got := s.whoami(t, ann); got != "ann" || value(t, s.manager, ann, "cart") != "apples" {
		t.Errorf("B5.9 nobody before: %q", got)
	}
	again, err := s.act(t, ann, func(ctx context.Context) error {
		identity, _ := s.identify(ctx, "ann")
		return s.sessions.Login(ctx, identity)
	})
	if again != "" || err != nil || s.whoami(t, ann) != "ann" {
		t.Errorf("B5.9 same user: the key was not kept: %q, %v", again, err)
	}
	bob := s.login(t, ann, "bob")
	if bob == ann || s.whoami(t, ann) != nobody || value(t, s.manager, bob, "cart") != "" {
		t.Error("B5.9 other user: the session was not flushed")
	}
	_, err = s.act(t, "", func(ctx context.Context) error { return s.sessions.Login(ctx, nil) })
	if err == nil {
		t.Error("B5.9 login of nobody")
	}
	if err := s.sessions.Login(t.Context(), &auth.Identity{ID: "ann"}); err != auth.ErrNoSession {
		t.Errorf("B5.9 no session: %v", err)
	}
}

func TestAuthRowsB5(t *testing.T) {
	s := newSite()
	cookie := s.login(t, "", "ann")
	s.asked.Store(0)
	if parleytest.Do(t, s.app(new(inner)), get("/", "Cookie", cookie)); s.asked.Load() != 0 {
		t.Errorf("B5.7 not lazy: asked %d times", s.asked.Load())
	}
	s.act(t, cookie, func(ctx context.Context) error {
		auth.User[*account](ctx)
		auth.User[*account](ctx)
		return nil
	})
	if s.asked.Load() != 1 {
		t.Errorf("B5.7 not memoised: asked %d times", s.asked.Load())
	}
	// A token that is shown goes before the cookie, wherever it stands in the list.
	r := get("/", "Cookie", cookie, "Authorization", "Bearer "+tokenFor(t, "bob", time.Hour))
	if got := parleytest.Do(t, s.app(whoami), r).Body; got != "bob" {
		t.Errorf("token and cookie: %q", got)
	}
	s.stamps.Store("ann", "new password")
	if got := s.whoami(t, cookie); got != nobody || value(t, s.manager, cookie, "parley.user") != "" {
		t.Errorf("B5.8 bad hash: %q", got)
	}
	cookie = s.login(t, "", "ann")
	s.stamps.Delete("ann")
	if got := s.whoami(t, cookie); got != nobody {
		t.Errorf("B5.8 unknown user: %q", got)
	}
}

func TestLogoutB5_10(t *testing.T) {
	s := newSite()
	cookie := s.login(t, "", "ann")
	logout := func(ctx context.Context) error {
		if err := s.sessions.Logout(ctx); err != nil {
			return err
		}
		if _, err := auth.User[*account](ctx); err != auth.ErrAnonymous {
			t.Errorf("after logout: %v", err)
		}
		return nil
	}
	if set, err := s.act(t, cookie, logout); set != "deleted" || err != nil {
		t.Errorf("cookie %q, %v", set, err)
	}
	if got := s.whoami(t, cookie); got != nobody {
		t.Errorf("after logout: %q", got)
	}
	if set, err := s.act(t, "", logout); set != "" || err != nil {
		t.Errorf("nobody logged in: cookie %q, %v", set, err)
	}
	if err := s.sessions.Logout(t.Context()); err != auth.ErrNoSession {
		t.Error(err)
	}
}

// Logout closes at once the sockets that were opened with the session, and no
// others of the same user.
func TestLogoutClosesSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		layer := channel.New(channel.Options{})
		defer layer.Close(t.Context())
		s.options.Revocations = auth.NewChannelRevocations(layer)
		laptop, phone := s.login(t, "", "ann"), s.login(t, "", "ann")
		open := func(cookie string) *parleytest.Socket {
			ws := parleytest.Dial(t, s.app(whoami), get("/", "Cookie", cookie))
			if got := ws.Receive().Text(); got != "ann" {
				t.Fatalf("%q", got)
			}
			return ws
		}
		here, there := open(laptop), open(phone)
		if _, err := s.act(t, laptop, s.sessions.Logout); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if code, _ := here.Closed(); code != parley.CloseUnauthorized || time.Since(start) > 0 {
			t.Errorf("closed with %d after %v", code, time.Since(start))
		}
		if !there.Quiet() {
			t.Error("the other device heard of it")
		}
		// Another login in the same browser ends what the one before has open.
		s.login(t, phone, "bob")
		if code, _ := there.Closed(); code != parley.CloseUnauthorized {
			t.Errorf("closed with %d", code)
		}
	})
}

// TestLoginIsSeenBelow: from the login on the user is the new one, in the same request.
func TestLoginIsSeenBelow(t *testing.T) {
	s := newSite()
	for cookie, before := range map[string]string{"": "", s.login(t, "", "bob"): "bob"} {
		var seen []string
		_, err := s.act(t, cookie, func(ctx context.Context) error {
			note := func() {
				user, err := auth.IdentityFrom(ctx)
				if err != nil && err != auth.ErrAnonymous {
					t.Error(err)
				}
				seen = append(seen, user.ID)
			}
			note()
			identity, err := s.identify(ctx, "ann")
			if err != nil {
				return err
			}
			err = s.sessions.Login(ctx, identity)
			note()
			return err
		})
		if err != nil || !slices.Equal(seen, []string{before, "ann"}) {
			t.Errorf("saw %q, %v", seen, err)
		}
	}
}

func TestSocketLogin(t *testing.T) {
	s := newSite()
	app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		identity, _ := s.identify(ctx, "ann")
		ws.Accept(ctx, parley.WebSocketAccept{})
		return s.sessions.Login(ctx, identity)
	})
	if err := parleytest.Dial(t, s.app(app), get("/")).Wait(); !errors.Is(err, auth.ErrTooLate) {
		t.Error(err)
	}
}

func TestSessionAuthNeedsSession(t *testing.T) {
	s := newSite()
	app := parley.Chain(whoami, auth.Middleware(s.options))
	if got := parleytest.Do(t, app, get("/")).Body; got != auth.ErrNoSession.Error() {
		t.Errorf("%q", got)
	}
}

// Below scs's own middleware the login works, and nothing is wrapped.
func TestLoginBelowLoadAndSave(t *testing.T) {
	s := newSite()
	wrapped := true
	below := func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		_, wrapped = conn.(interface{ Unwrap() parley.Conn })
		if scope.Request.URL.Path == "/login" {
			identity, _ := s.identify(ctx, "ann")
			if err := s.sessions.Login(ctx, identity); err != nil {
				return err
			}
		}
		return whoami.Serve(ctx, scope, conn)
	}
	app := parley.Chain(parley.AppFunc(below), nethttp.Middleware(s.manager.LoadAndSave),
		auth.LoadAndSave(s.manager), auth.Middleware(s.options))
	login := serve(app, "GET", "/login")
	cookie := setCookie(login.Header())
	if got := serve(app, "GET", "/", "Cookie", cookie).Body.String(); got != "ann" || wrapped {
		t.Errorf("%q with %q, wrapped %v", got, cookie, wrapped)
	}
}
