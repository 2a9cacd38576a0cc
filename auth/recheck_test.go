package auth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/parleytest"
)

// watching has something happen while a watch begins.
type watching struct {
	auth.Revocations
	before, after func()
}

func (w watching) Watch(
	ctx context.Context, subjects []string, revoked func(error),
) (func(), error) {
	if w.before != nil {
		w.before()
	}
	stop, err := w.Revocations.Watch(ctx, subjects, revoked)
	if w.after != nil {
		w.after()
	}
	return stop, err
}

// quiet are Revocations that never tell of anything.
type quiet struct{}

func (quiet) Watch(context.Context, []string, func(error)) (func(), error) { return func() {}, nil }
func (quiet) Revoke(context.Context, string) error                         { return nil }

// What changes between the look at credentials and the watch for their end is
// noticed, whatever kind they are.
func TestNothingIsMissedInBetween(t *testing.T) {
	blocked := false
	users := func(id string) (*auth.Identity, error) {
		if blocked {
			return nil, nil
		}
		return &auth.Identity{ID: id, User: &account{id}, Stamp: "1"}, nil
	}
	identify := func(_ context.Context, id string) (*auth.Identity, error) { return users(id) }
	bearer := auth.NewBearer(auth.BearerOptions{
		Algorithms: []string{"HS256"},
		Key:        func(*jwt.Token) (any, error) { return jwtKey, nil },
		Identify: func(_ context.Context, claims jwt.MapClaims) (*auth.Identity, error) {
			id, _ := claims.GetSubject()
			return users(id)
		},
	})
	tickets := auth.NewTickets(auth.TicketOptions{Key: jwtKey, Identify: identify})
	s := newSite()
	s.sessions = auth.NewSessions(auth.SessionOptions{Manager: s.manager, Identify: identify})
	token := tokenFor(t, "ann", time.Hour)
	ticket, _ := tickets.Issue("ann")
	cert := &x509.Certificate{NotAfter: time.Now().Add(time.Hour)}
	for _, test := range []struct {
		name    string
		by      auth.Authenticator
		request func(r *http.Request)
		offer   []string
	}{
		{"session", s.sessions, func(r *http.Request) {
			s.options.Authenticators = []auth.Authenticator{s.sessions}
			r.Header.Set("Cookie", s.login(t, "", "ann"))
		}, nil},
		{"bearer", bearer, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }, nil},
		{"subprotocol", auth.NewSubprotocol(bearer), nil, []string{"bearer", token}},
		{"ticket", tickets, func(r *http.Request) { r.URL.RawQuery = "ticket=" + ticket }, nil},
		{"client certificate", auth.ClientCert(
			func(context.Context, *x509.Certificate) (*auth.Identity, error) { return users("ann") },
		), func(r *http.Request) {
			r.TLS = &tls.ConnectionState{
				PeerCertificates: []*x509.Certificate{cert},
				VerifiedChains:   [][]*x509.Certificate{{cert}},
			}
		}, nil},
		{"function", auth.AuthenticatorFunc(
			func(context.Context, *parley.Scope) (*auth.Identity, error) { return users("ann") },
		), nil, nil},
	} {
		for when, w := range map[string]watching{
			"before the watch": {quiet{}, func() { blocked = true }, nil},
			"after it":         {quiet{}, nil, func() { blocked = true }},
		} {
			t.Run(test.name+" "+when, func(t *testing.T) {
				blocked = false
				r := get("/")
				if test.request != nil {
					test.request(r)
				}
				options := auth.Options{Authenticators: []auth.Authenticator{test.by}, Revocations: w}
				app := parley.Chain(whoami, auth.LoadAndSave(s.manager), auth.Middleware(options))
				if test.name == "ticket" && when == "after it" {
					ticket, _ = tickets.Issue("ann")
					r.URL.RawQuery = "ticket=" + ticket
				}
				if got := parleytest.Dial(t, app, r, test.offer...).Denial().Status; got != 401 {
					t.Errorf("status %d", got)
				}
			})
		}
	}
}

// A session that ends while its socket is being opened is found out, however it
// ends.
func TestSessionEndsDuringHandshake(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *site, cookie string){
		"deleted": func(t *testing.T, s *site, cookie string) {
			s.manager.Store.Delete(strings.TrimPrefix(cookie, "session="))
		},
		"logged out": func(t *testing.T, s *site, cookie string) { s.act(t, cookie, s.sessions.Logout) },
		"another user": func(t *testing.T, s *site, cookie string) {
			s.edit(t, cookie, func(ctx context.Context) { s.manager.Put(ctx, "parley.user", "bob") })
		},
		"another login": func(t *testing.T, s *site, cookie string) {
			s.edit(t, cookie, func(ctx context.Context) { s.manager.Put(ctx, "parley.login", "another") })
		},
		"another password": func(_ *testing.T, s *site, _ string) { s.stamps.Store("ann", "2") },
		"no such user":     func(_ *testing.T, s *site, _ string) { s.stamps.Delete("ann") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite()
			cookie := s.login(t, "", "ann")
			s.options.Revocations = watching{quiet{}, nil, func() { end(t, s, cookie) }}
			denial := parleytest.Dial(t, s.app(whoami), get("/", "Cookie", cookie)).Denial()
			if denial.Status != 401 {
				t.Errorf("status %d", denial.Status)
			}
		})
	}
}

// edit changes a session behind everybody's back.
func (s *site) edit(t *testing.T, cookie string, change func(ctx context.Context)) {
	t.Helper()
	ctx, err := s.manager.Load(t.Context(), strings.TrimPrefix(cookie, "session="))
	if err != nil {
		t.Fatal(err)
	}
	change(ctx)
	if _, _, err := s.manager.Commit(ctx); err != nil {
		t.Fatal(err)
	}
}

// A logout ends what was opened under an older token of the same login, and within
// one process it needs no Revocations.
func TestLogoutAfterRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		below := func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			switch scope.Request.URL.Path {
			case "/renew":
				if err := s.manager.RenewToken(ctx); err != nil {
					return err
				}
				return parley.Respond(ctx, conn, 200, nil, nil)
			case "/logout":
				if err := s.sessions.Logout(ctx); err != nil {
					return err
				}
				return parley.Respond(ctx, conn, 200, nil, nil)
			}
			return whoami.Serve(ctx, scope, conn)
		}
		shared := s.app(parley.AppFunc(below))
		cookie := s.login(t, "", "ann")
		ws := parleytest.Dial(t, shared, get("/", "Cookie", cookie))
		if got := ws.Receive().Text(); got != "ann" {
			t.Fatalf("%q", got)
		}
		for range 3 {
			renewed := setCookie(parleytest.Do(t, shared, get("/renew", "Cookie", cookie)).Header)
			if renewed == cookie || !strings.HasPrefix(renewed, "session=") {
				t.Fatalf("renewed: %q", renewed)
			}
			cookie = renewed
		}
		if !ws.Quiet() {
			t.Error("a renewal is no logout")
		}
		parleytest.Do(t, shared, get("/logout", "Cookie", cookie))
		if code, _ := ws.Closed(); code != parley.CloseUnauthorized {
			t.Errorf("closed with %d", code)
		}
	})
}
