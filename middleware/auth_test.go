package middleware_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

var jwtKey = []byte("0123456789abcdef0123456789abcdef")

func signed(t testing.TB, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func tokenFor(t testing.TB, user string, life time.Duration) string {
	return signed(t, jwt.SigningMethodHS256, jwtKey, jwt.MapClaims{"sub": user, "exp": time.Now().Add(life).Unix()})
}

func newBearer() *middleware.Bearer {
	return middleware.NewBearer(middleware.BearerOptions{
		Algorithms: []string{"HS256"},
		Key:        func(*jwt.Token) (any, error) { return jwtKey, nil },
		Identify: func(_ context.Context, claims jwt.MapClaims) (*middleware.Identity, error) {
			id, _ := claims.GetSubject()
			if id == "nobody" {
				return nil, nil
			}
			return &middleware.Identity{ID: id, User: &account{id}}, nil
		},
	})
}

// account is the app's own kind of user.
type account struct{ name string }

// whoami answers who the user is.
var whoami = parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	user, err := middleware.User[*account](ctx)
	text := fmt.Sprint(err)
	if err == nil {
		text = user.name
	}
	if scope.Protocol == parley.HTTP {
		return parley.Respond(ctx, conn, 200, nil, []byte(text))
	}
	conn.Receive(ctx)
	if err := conn.Send(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	conn.Send(ctx, parley.Text(text))
	for {
		event, err := conn.Receive(ctx)
		if message, ok := event.(parley.WebSocketReceive); ok {
			conn.Send(ctx, parley.Text(fmt.Sprint(middleware.Renew(ctx, message.Text()))))
			continue
		}
		return err
	}
})

func authWith(authenticators ...middleware.Authenticator) parley.Middleware {
	return middleware.Auth(middleware.AuthOptions{Authenticators: authenticators})
}

func TestBearer(t *testing.T) {
	now := time.Now()
	good := jwt.MapClaims{"sub": "ann", "exp": now.Add(time.Hour).Unix()}
	for _, test := range []struct {
		name   string
		header []string
		status int
		reason string
	}{
		{"none", nil, 200, ""},
		{"good", []string{"Bearer " + signed(t, jwt.SigningMethodHS256, jwtKey, good)}, 200, ""},
		{"other scheme", []string{"Basic YTpi"}, 200, ""},
		{"two", []string{"Bearer a", "Bearer b"}, 400, "multiple"},
		{"empty", []string{"Bearer"}, 401, "malformed"},
		{"no token", []string{"Bearer a"}, 401, "malformed"},
		{"non-ASCII", []string{"Bearer ä.ö.ü"}, 401, "malformed"},
		{"huge", []string{"Bearer " + strings.Repeat("a", 10<<20)}, 401, "too-large"},
		{"alg none", []string{"Bearer " + signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good)}, 401, "bad-signature"},
		{"other algorithm", []string{"Bearer " + signed(t, jwt.SigningMethodHS512, jwtKey, good)}, 401, "bad-signature"},
		{"wrong key", []string{"Bearer " + signed(t, jwt.SigningMethodHS256, []byte("wrong"), good)}, 401, "bad-signature"},
		{"expired", []string{"Bearer " + tokenFor(t, "ann", -time.Hour)}, 401, "expired"},
		{"not yet valid", []string{"Bearer " + signed(t, jwt.SigningMethodHS256, jwtKey, jwt.MapClaims{
			"sub": "ann", "exp": now.Add(2 * time.Hour).Unix(), "nbf": now.Add(time.Hour).Unix()})}, 401, "not-yet-valid"},
		{"never expires", []string{"Bearer " + signed(t, jwt.SigningMethodHS256, jwtKey, jwt.MapClaims{"sub": "ann"})}, 401, "claims"},
		{"unknown user", []string{"Bearer " + tokenFor(t, "nobody", time.Hour)}, 401, "unknown-user"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var reasons []string
			logger, log := recorder()
			auth := middleware.Auth(middleware.AuthOptions{
				Authenticators: []middleware.Authenticator{newBearer()},
				Report: func(ctx context.Context, scope *parley.Scope, refusal *middleware.Refusal) {
					reasons = append(reasons, refusal.Reason)
					middleware.LogTo(logger)(ctx, scope, refusal)
				},
			})
			r := get("/")
			r.Header["Authorization"] = test.header
			if test.status != 200 {
				refusedBoth(t, auth, test.status, r)
				if len(reasons) != 2 || reasons[0] != test.reason || reasons[1] != test.reason {
					t.Errorf("reasons %q, want %q", reasons, test.reason)
				}
				for _, header := range test.header {
					if secret := strings.TrimPrefix(header, "Bearer"); len(secret) > 4 && strings.Contains(log.String(), secret[:5]) {
						t.Errorf("the log has the token: %.200s", log)
					}
				}
				return
			}
			if got := parleytest.Do(t, auth(new(inner)), r).Status; got != 200 {
				t.Errorf("status %d", got)
			}
		})
	}
}

func TestBearerChallenge(t *testing.T) {
	got := parleytest.Do(t, authWith(newBearer())(new(inner)), get("/", "Authorization", "Bearer x"))
	if challenge := got.Header.Get("WWW-Authenticate"); challenge != `Bearer error="invalid_token"` {
		t.Errorf("challenge %q", challenge)
	}
	app := parley.Chain(new(inner), authWith(newBearer()), middleware.Require(middleware.RequireOptions{}))
	if challenge := parleytest.Do(t, app, get("/")).Header.Get("WWW-Authenticate"); challenge != "Bearer" {
		t.Errorf("challenge %q", challenge)
	}
}

func TestBearerWiring(t *testing.T) {
	key := func(*jwt.Token) (any, error) { return jwtKey, nil }
	for contains, options := range map[string]middleware.BearerOptions{
		"without a Key":        {Algorithms: []string{"HS256"}},
		"without Algorithms":   {Key: key},
		`"none"`:               {Key: key, Algorithms: []string{"none"}},
		`"HS255"`:              {Key: key, Algorithms: []string{"HS255"}},
		"HMAC and public keys": {Key: key, Algorithms: []string{"HS256", "RS256"}},
	} {
		panics(t, contains, func() { middleware.NewBearer(options) })
	}
	panics(t, "without an Authenticator", func() { authWith() })
	passesOthers(t, authWith(newBearer()))
	passesOthers(t, middleware.Require(middleware.RequireOptions{}))
}

func TestUser(t *testing.T) {
	for _, test := range []struct{ header, want string }{
		{"", "middleware: nobody is logged in"},
		{"Bearer " + tokenFor(t, "ann", time.Hour), "ann"},
	} {
		if got := parleytest.Do(t, authWith(newBearer())(whoami), get("/", "Authorization", test.header)).Body; got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	if _, err := middleware.User[*account](t.Context()); err != middleware.ErrNoAuth {
		t.Error(err)
	}
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		_, err := middleware.User[string](ctx)
		return parley.Respond(ctx, conn, 200, nil, []byte(err.Error()))
	})
	got := parleytest.Do(t, authWith(newBearer())(app), get("/", "Authorization", "Bearer "+tokenFor(t, "ann", time.Hour))).Body
	if got != "middleware: the user is a *middleware_test.account, not a string" {
		t.Errorf("%q", got)
	}
}

func TestRequire(t *testing.T) {
	app := new(inner)
	wrap := func(next parley.App) parley.App {
		return parley.Chain(next, authWith(newBearer()), middleware.Require(middleware.RequireOptions{
			Allow: func(ctx context.Context, scope *parley.Scope) error {
				if user, _ := middleware.User[*account](ctx); user.name != "ann" {
					return errors.New("not ann")
				}
				return nil
			},
		}))
	}
	refusedBoth(t, wrap, 401, get("/"))
	refusedBoth(t, wrap, 403, get("/", "Authorization", "Bearer "+tokenFor(t, "bob", time.Hour)))
	if got := parleytest.Do(t, wrap(app), get("/", "Authorization", "Bearer "+tokenFor(t, "ann", time.Hour))).Status; got != 200 {
		t.Errorf("status %d", got)
	}
	if got := parleytest.Do(t, middleware.Require(middleware.RequireOptions{})(app), get("/")); !errors.Is(got.Err, middleware.ErrNoAuth) {
		t.Errorf("without Auth: %v", got.Err)
	}
}

func TestBearerSubprotocolE19(t *testing.T) {
	token := tokenFor(t, "ann", time.Hour)
	for _, test := range []struct {
		name    string
		offered []string
		choose  string
		seen    string
		answer  string
		status  int
	}{
		{"alone", []string{"bearer", token}, "", "[]", "bearer", 0},
		{"before another", []string{"bearer", token, "chat.v1"}, "chat.v1", "[chat.v1]", "chat.v1", 0},
		{"behind another", []string{"chat.v1", "bearer", token}, "chat.v1", "[chat.v1]", "chat.v1", 0},
		{"another not chosen", []string{"bearer", token, "chat.v1"}, "", "[chat.v1]", "bearer", 0},
		{"not offered", []string{"chat.v1"}, "chat.v1", "[chat.v1]", "chat.v1", 0},
		{"no token", []string{"bearer"}, "", "", "", 400},
		{"twice", []string{"bearer", token, "bearer", token}, "", "", "", 400},
		{"bad token", []string{"bearer", "chat.v1"}, "", "", "", 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			var seen, header string
			app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
				seen = fmt.Sprint(ws.Scope().Subprotocols)
				header = ws.Scope().Request.Header.Get("Sec-WebSocket-Protocol")
				return ws.Accept(ctx, parley.WebSocketAccept{Subprotocol: test.choose})
			})
			auth := authWith(middleware.NewBearerSubprotocol(newBearer()))
			ws := parleytest.Dial(t, auth(app), get("/"), test.offered...)
			if test.status != 0 {
				if got := ws.Denial().Status; got != test.status {
					t.Errorf("status %d", got)
				}
				return
			}
			if got := ws.Accept().Subprotocol; got != test.answer {
				t.Errorf("answer %q, want %q", got, test.answer)
			}
			if seen != test.seen || strings.Contains(header, token) {
				t.Errorf("the app sees %s and %q", seen, header)
			}
		})
	}
}

func newTickets(spent middleware.SpentTickets) *middleware.Tickets {
	return middleware.NewTickets(middleware.TicketOptions{
		Key: jwtKey, Spent: spent,
		Identify: func(_ context.Context, id string) (*middleware.Identity, error) {
			return &middleware.Identity{ID: id, User: &account{id}}, nil
		},
	})
}

func TestTickets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tickets := newTickets(nil)
		var query, uri string
		app := authWith(tickets)(parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			query, uri = scope.Request.URL.RawQuery, scope.Request.RequestURI
			return whoami.Serve(ctx, scope, conn)
		}))
		ticket, err := tickets.Issue("ann")
		if err != nil {
			t.Fatal(err)
		}
		ws := parleytest.Dial(t, app, get("/chat?b=2&ticket="+ticket+"&a=%31"))
		if got := ws.Receive().Text(); got != "ann" || query != "b=2&a=%31" || strings.Contains(uri, ticket) {
			t.Errorf("%q with %q of %q", got, query, uri)
		}
		for name, target := range map[string]string{
			"spent":     "/?ticket=" + ticket,
			"malformed": "/?ticket=abc",
			"empty":     "/?ticket=",
			"a JWT":     "/?ticket=" + tokenFor(t, "ann", time.Hour),
			"changed":   "/?ticket=" + ticket[:len(ticket)-4] + "AAAA",
			"huge":      "/?ticket=" + strings.Repeat("a", 1<<20),
		} {
			if got := parleytest.Dial(t, app, get(target)).Denial().Status; got != 401 {
				t.Errorf("%s: status %d", name, got)
			}
		}
		for _, target := range []string{"/?ticket=a&ticket=b", "/?ticket=%zz"} {
			if got := parleytest.Dial(t, app, get(target)).Denial().Status; got != 400 {
				t.Errorf("%s: status %d", target, got)
			}
		}
		ticket, _ = tickets.Issue("ann")
		time.Sleep(31 * time.Second)
		if got := parleytest.Dial(t, app, get("/?ticket="+ticket)).Denial().Status; got != 401 {
			t.Errorf("expired: status %d", got)
		}
		if _, err := tickets.Issue(""); err == nil {
			t.Error("a ticket for nobody")
		}
	})
	panics(t, "must have 32", func() { middleware.NewTickets(middleware.TicketOptions{Key: []byte("short")}) })
	panics(t, "a second at least", func() { middleware.NewTickets(middleware.TicketOptions{Key: jwtKey, TTL: 1}) })
}

// However many come with one ticket at once, one gets in.
func TestTicketsOnce(t *testing.T) {
	tickets := newTickets(nil)
	ticket, _ := tickets.Issue("ann")
	var in atomic.Int64
	done := make(chan struct{})
	for range 20 {
		go func() {
			defer func() { done <- struct{}{} }()
			scope := &parley.Scope{Protocol: parley.WebSocket, Request: get("/?ticket=" + ticket)}
			if identity, err := tickets.Authenticate(context.Background(), scope); err == nil && identity != nil {
				in.Add(1)
			}
		}()
	}
	for range 20 {
		<-done
	}
	if in.Load() != 1 {
		t.Errorf("%d came in", in.Load())
	}
}

func TestClientCert(t *testing.T) {
	cert := &x509.Certificate{NotAfter: time.Now().Add(time.Hour)}
	cert.Subject.CommonName = "ann"
	byName := middleware.ClientCert(func(_ context.Context, cert *x509.Certificate) (*middleware.Identity, error) {
		if cert.Subject.CommonName != "ann" {
			return nil, nil
		}
		return &middleware.Identity{ID: "ann", User: &account{"ann"}}, nil
	})
	for _, test := range []struct {
		name  string
		state *tls.ConnectionState
		want  string
	}{
		{"no TLS", nil, "middleware: nobody is logged in"},
		{"not verified", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}, "middleware: nobody is logged in"},
		{"verified", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert}}}, "ann"},
		{"unknown", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{}}, VerifiedChains: [][]*x509.Certificate{{cert}}}, "Unauthorized\n"},
	} {
		r := get("/")
		r.TLS = test.state
		if got := parleytest.Do(t, authWith(byName)(whoami), r).Body; got != test.want {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}

// E18: an identity that expires closes the socket, unless it was renewed.
func TestExpiryClosesSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := authWith(newBearer())(whoami)
		ws := parleytest.Dial(t, app, get("/", "Authorization", "Bearer "+tokenFor(t, "ann", time.Minute)))
		ws.Accept()
		ws.Receive()
		time.Sleep(50 * time.Second)
		ws.Send(parley.Text(tokenFor(t, "bob", time.Hour)))
		if got := ws.Receive().Text(); got != middleware.ErrOtherUser.Error() {
			t.Errorf("renewal by another: %q", got)
		}
		ws.Send(parley.Text("nonsense"))
		if got := ws.Receive().Text(); !strings.Contains(got, "malformed") {
			t.Errorf("renewal with nonsense: %q", got)
		}
		ws.Send(parley.Text(tokenFor(t, "ann", time.Minute)))
		if got := ws.Receive().Text(); got != "<nil>" {
			t.Errorf("renewal: %q", got)
		}
		time.Sleep(59 * time.Second)
		if !ws.Quiet() {
			t.Error("closed too early")
		}
		start := time.Now()
		if code, _ := ws.Closed(); code != parley.CloseUnauthorized || time.Since(start) > time.Second {
			t.Errorf("closed with %d after %v", code, time.Since(start))
		}
		if err := ws.Wait(); parley.CodeOf(err) != parley.CloseUnauthorized {
			t.Error(err)
		}
	})
}

// An app that does not listen to its context loses its socket all the same.
func TestExpiryOfDeafApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			ws.Accept(ctx, parley.WebSocketAccept{})
			_, err := ws.Read(context.Background())
			if cause := context.Cause(ctx); cause != parley.ErrAuthExpired {
				t.Errorf("cause: %v", cause)
			}
			return err
		})
		ws := parleytest.Dial(t, authWith(newBearer())(app), get("/", "Authorization", "Bearer "+tokenFor(t, "ann", 20*time.Second)))
		if code, _ := ws.Closed(); code != parley.CloseUnauthorized {
			t.Errorf("closed with %d", code)
		}
	})
}

func TestExpiryBeforeAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		ws := parleytest.Dial(t, authWith(newBearer())(app), get("/", "Authorization", "Bearer "+tokenFor(t, "ann", 20*time.Second)))
		if ws.Accepted() || ws.Denial().Status != 401 {
			t.Errorf("status %d", ws.Denial().Status)
		}
	})
}

func TestExpiryEndsEventStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
			conn.Send(ctx, parley.HTTPResponseBody{Body: []byte("data: 1\n\n"), More: true})
			<-ctx.Done()
			if cause := context.Cause(ctx); cause != parley.ErrAuthExpired {
				t.Errorf("cause: %v", cause)
			}
			return conn.Send(context.WithoutCancel(ctx), parley.HTTPResponseBody{})
		})
		r := get("/", "Accept", "text/event-stream", "Authorization", "Bearer "+tokenFor(t, "ann", 20*time.Second))
		start := time.Now()
		got := parleytest.Do(t, authWith(newBearer())(app), r)
		if took := time.Since(start); took > 20*time.Second || got.Truncated {
			t.Errorf("ended after %v, truncated %v", took, got.Truncated)
		}
	})
}

// E18, B5.12: revocation of a user closes what they have open, and nobody else's.
func TestRevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := channel.New(channel.Options{})
		defer layer.Close(t.Context())
		revocations := middleware.NewChannelRevocations(layer)
		app := middleware.Auth(middleware.AuthOptions{
			Authenticators: []middleware.Authenticator{newBearer()}, Revocations: revocations,
		})(whoami)
		open := func(user string) *parleytest.Socket {
			ws := parleytest.Dial(t, app, get("/", "Authorization", "Bearer "+tokenFor(t, user, time.Hour)))
			if got := ws.Receive().Text(); got != user {
				t.Errorf("%q, want %q", got, user)
			}
			return ws
		}
		ann1, ann2, bob := open("ann"), open("ann"), open("bob")
		if err := middleware.RevokeUser(t.Context(), revocations, "ann"); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for _, ws := range []*parleytest.Socket{ann1, ann2} {
			if code, _ := ws.Closed(); code != parley.CloseUnauthorized {
				t.Errorf("closed with %d", code)
			}
			ws.Wait()
		}
		if took := time.Since(start); took > time.Second || !bob.Quiet() {
			t.Errorf("took %v", took)
		}
		bob.Close(1000, "")
		bob.Wait()
		if stats := layer.Members("auth." + channel.Group(middleware.UserSubject("bob"))); len(stats) != 0 {
			t.Errorf("left behind: %v", stats)
		}
	})
}

// A layer that is closed can tell nobody any more: the sockets end with it.
func TestRevocationLayerClosed(t *testing.T) {
	layer := channel.New(channel.Options{})
	app := middleware.Auth(middleware.AuthOptions{
		Authenticators: []middleware.Authenticator{newBearer()}, Revocations: middleware.NewChannelRevocations(layer),
	})(whoami)
	r := get("/", "Authorization", "Bearer "+tokenFor(t, "ann", time.Hour))
	ws := parleytest.Dial(t, app, r)
	ws.Receive()
	layer.Close(t.Context())
	if code, _ := ws.Closed(); code != parley.CloseServiceRestart {
		t.Errorf("closed with %d", code)
	}
	ws.Wait()
	if got := parleytest.Dial(t, app, r).Denial(); got.Status != 500 || !errors.Is(got.Err, channel.ErrClosed) {
		t.Errorf("%d %v", got.Status, got.Err)
	}
}

func FuzzTicket(f *testing.F) {
	tickets := newTickets(nil)
	good, _ := tickets.Issue("ann")
	f.Add("ticket=" + good)
	f.Add("a=b&ticket=a.b.c")
	f.Add("ticket=%zz;")
	f.Fuzz(func(t *testing.T, query string) {
		r := get("/")
		r.URL.RawQuery = query
		identity, err := newTickets(nil).Authenticate(t.Context(), &parley.Scope{Protocol: parley.WebSocket, Request: r})
		if identity != nil && (err != nil || !strings.Contains(query, good[:20])) {
			t.Errorf("%q lets %v in", query, identity)
		}
		if err != nil {
			reasonOf(t, err)
		}
	})
}
