package nethttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// behind are apps of every kind that tell what middleware has left in their
// context.
var behind = []struct {
	name string
	app  parley.App
}{
	{"event app", parley.AppFunc(func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn,
	) error {
		return respond(ctx, conn, fmt.Sprint("app ", ctx.Value(contextKey("user")), " ",
			scope.Request.Header.Get("X-Added")))
	})},
	{"handler", nethttp.App(tellUser)},
	{"handler over events", wrapping(nethttp.App(tellUser))},
}

var tellUser = serve(func(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, "app ", r.Context().Value(contextKey("user")), " ", r.Header.Get("X-Added"))
})

// settingHeaders sets headers on both sides of the app.
func settingHeaders(next http.Handler) http.Handler {
	return serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Before", "1")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		r.Header.Set("X-Added", "added")
		next.ServeHTTP(w, r)
	})
}

// settingContext puts a user into the context.
func settingContext(next http.Handler) http.Handler {
	return serve(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey("user"), "ada")))
	})
}

// shouting is what a compressing middleware looks like: it hands on a writer that
// changes the body and has no optional interface at all.
func shouting(next http.Handler) http.Handler {
	return serve(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&shoutingWriter{ResponseWriter: w}, r)
	})
}

type shoutingWriter struct{ http.ResponseWriter }

func (w *shoutingWriter) WriteHeader(status int) {
	w.Header().Del("Content-Length")
	w.Header().Set("Content-Encoding", "shout")
	w.ResponseWriter.WriteHeader(status)
}

func (w *shoutingWriter) Write(p []byte) (int, error) {
	w.Header().Set("Content-Encoding", "shout")
	if _, err := io.WriteString(w.ResponseWriter, strings.ToUpper(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// refusing answers itself.
func refusing(http.Handler) http.Handler {
	return serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Before", "1")
		http.Error(w, "no entry", http.StatusUnauthorized)
	})
}

type netHTTPMiddleware = func(http.Handler) http.Handler

// TestMiddlewareInFrontOfHTTP puts the same middleware in front of apps of every
// kind, on a live conn and on a wrapped one.
func TestMiddlewareInFrontOfHTTP(t *testing.T) {
	cases := []struct {
		name   string
		chain  []netHTTPMiddleware
		status int
		body   string
		header http.Header
	}{
		{"headers", []netHTTPMiddleware{settingHeaders}, 200, "app <nil> added",
			http.Header{"X-Before": {"1"}, "Set-Cookie": {"a=1"}}},
		{"context", []netHTTPMiddleware{settingContext}, 200, "app ada ", nil},
		{"writer", []netHTTPMiddleware{shouting}, 200, "APP <NIL> ",
			http.Header{"Content-Encoding": {"shout"}}},
		{"answer", []netHTTPMiddleware{refusing}, 401, "no entry\n", http.Header{"X-Before": {"1"}}},
		{"chain", []netHTTPMiddleware{settingHeaders, shouting, settingContext}, 200, "APP ADA ADDED",
			http.Header{"X-Before": {"1"}}},
		{"chain that is cut", []netHTTPMiddleware{settingContext, refusing, shouting}, 401, "no entry\n",
			nil},
		{"timeout", []netHTTPMiddleware{settingHeaders, timeout(time.Hour)}, 200, "app <nil> added",
			http.Header{"X-Before": {"1"}}},
	}
	for _, c := range cases {
		for _, b := range behind {
			for _, above := range []parley.Middleware{dispatch, wrapping} {
				t.Run(c.name+"/"+b.name, func(t *testing.T) {
					app := b.app
					for i := len(c.chain) - 1; i >= 0; i-- {
						app = nethttp.Middleware(c.chain[i])(app)
					}
					client := adaptertest.Serve(t, gateway(above(app))).Dial()
					client.Say("%s", getting("/"))
					got := client.Response("GET")
					if got.Status != c.status || got.Body != c.body || got.Cut {
						t.Errorf("got %+v, want %d %q", got, c.status, c.body)
					}
					for name, want := range c.header {
						if fmt.Sprint(got.Header[name]) != fmt.Sprint(want) {
							t.Errorf("%s is %q, want %q", name, got.Header[name], want)
						}
					}
				})
			}
		}
	}
}

func timeout(d time.Duration) netHTTPMiddleware {
	return func(next http.Handler) http.Handler { return http.TimeoutHandler(next, d, "late") }
}

// TestMiddlewareThatLeavesTheAppBehind: http.TimeoutHandler answers while the app
// runs on, on a goroutine of its own.
func TestMiddlewareThatLeavesTheAppBehind(t *testing.T) {
	for _, above := range []parley.Middleware{dispatch, wrapping} {
		synctest.Test(t, func(t *testing.T) {
			ended := make(chan error, 1)
			app := httpApp(func(ctx context.Context, conn parley.Conn) error {
				<-ctx.Done()
				time.Sleep(time.Second) // the answer is out by now
				ended <- conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
				return errors.New("too late")
			})
			limited := nethttp.Middleware(timeout(time.Minute))(app)
			client := adaptertest.ServeInBubble(t, gateway(above(limited))).Dial()
			client.Say("%s", persisting("GET", ""))
			if got := client.Response("GET"); got.Status != 503 || got.Body != "late" {
				t.Errorf("got %+v", got)
			}
			if err := <-ended; err != parley.ErrDisconnected {
				t.Errorf("the app's send: %v", err)
			}
			client.Close()
		})
	}
}

// socketBehind tells on its socket what it found, in an accept or a denial.
var socketBehind = parley.AppFunc(func(
	ctx context.Context, scope *parley.Scope, conn parley.Conn,
) error {
	found := fmt.Sprint(ctx.Value(contextKey("user")), " ", scope.Request.Header.Get("X-Added"))
	if scope.Request.URL.Path == "/deny" {
		return conn.Send(ctx, parley.WebSocketDeny{Status: 418, Header: http.Header{"X-App": {"1"}},
			Body: []byte(found)})
	}
	accept := parley.WebSocketAccept{Header: http.Header{"X-App": {"1"}, "Set-Cookie": {"b=2"}}}
	return sendAll(ctx, conn, accept, parley.Text(found))
})

// TestMiddlewareInFrontOfWebSockets: what it does before handing on, and what it
// answers itself, reaches the client in the 101 or the denial.
func TestMiddlewareInFrontOfWebSockets(t *testing.T) {
	cases := []struct {
		name, path string
		chain      []netHTTPMiddleware
		app        parley.App
		status     int
		said       string // the first message, or the body of the denial
		header     http.Header
	}{
		{"accept", "/", []netHTTPMiddleware{settingHeaders, settingContext}, socketBehind, 101,
			"ada added",
			http.Header{"X-Before": {"1"}, "X-App": {"1"}, "Set-Cookie": {"a=1", "b=2"}}},
		{"denial", "/deny", []netHTTPMiddleware{settingHeaders, settingContext}, socketBehind, 418,
			"ada added",
			http.Header{"X-Before": {"1"}, "X-App": {"1"}, "Set-Cookie": {"a=1"}}},
		{"answer", "/", []netHTTPMiddleware{settingContext, refusing}, socketBehind, 401, "no entry\n",
			http.Header{"X-Before": {"1"}}},
		{"writer without Hijack", "/", []netHTTPMiddleware{shouting, settingHeaders}, socketBehind, 101,
			"<nil> added", http.Header{"X-Before": {"1"}}},
		{"timeout", "/", []netHTTPMiddleware{timeout(time.Hour), settingHeaders}, socketBehind, 101,
			"<nil> added", http.Header{"X-Before": {"1"}}},
		{"handler that does not", "/", []netHTTPMiddleware{settingHeaders},
			nethttp.App(http.NotFoundHandler()), 404, "404 page not found\n",
			http.Header{"X-Before": {"1"}}},
	}
	for _, c := range cases {
		for _, above := range []parley.Middleware{dispatch, wrapping} {
			t.Run(c.name, func(t *testing.T) {
				app := c.app
				for i := len(c.chain) - 1; i >= 0; i-- {
					app = nethttp.Middleware(c.chain[i])(app)
				}
				response, said := dialSocket(t, gateway(above(app)), c.path)
				if response.StatusCode != c.status || said != c.said {
					t.Errorf("got %d %q, want %d %q", response.StatusCode, said, c.status, c.said)
				}
				for name, want := range c.header {
					if fmt.Sprint(response.Header[name]) != fmt.Sprint(want) {
						t.Errorf("%s is %q, want %q", name, response.Header[name], want)
					}
				}
			})
		}
	}
}

// TestMiddlewareInFrontOfAnUpgrade: a handler that takes the connection away from
// the server still can, whatever the middleware's writer hides.
func TestMiddlewareInFrontOfAnUpgrade(t *testing.T) {
	app := parley.Chain(nethttp.App(subprotocolEcho), five...)
	for _, middleware := range []netHTTPMiddleware{shouting, settingHeaders, timeout(time.Hour)} {
		app = nethttp.Middleware(middleware)(app)
	}
	response, _ := dialSocket(t, gateway(dispatch(app)), "/")
	if response.StatusCode != 101 || len(response.Header["Set-Cookie"]) != 2 {
		t.Errorf("got %d with %v, want the handler's own answer", response.StatusCode, response.Header)
	}
}

// dialSocket opens a socket and returns its first message, or the body of the
// answer where there is none.
func dialSocket(t *testing.T, h http.Handler, path string) (*http.Response, string) {
	t.Helper()
	server := adaptertest.Serve(t, h)
	conn, response, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL,
		"http")+path, nil)
	if response == nil {
		t.Fatal(err)
	}
	if err != nil {
		body, _ := io.ReadAll(response.Body)
		return response, string(body)
	}
	t.Cleanup(func() { conn.Close() })
	if response.Header.Get("X-App") == "" {
		return response, ""
	}
	conn.SetReadDeadline(time.Now().Add(adaptertest.Patience))
	_, message, err := conn.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return response, string(message)
}

// TestMiddlewareOnOtherProtocols passes them by.
func TestMiddlewareOnOtherProtocols(t *testing.T) {
	for _, protocol := range []parley.Protocol{parley.Lifespan, parley.Channel} {
		var got parley.Protocol
		app := nethttp.Middleware(refusing)(parley.AppFunc(func(
			_ context.Context, scope *parley.Scope, _ parley.Conn,
		) error {
			got = scope.Protocol
			return nil
		}))
		if err := app.Serve(context.Background(), &parley.Scope{Protocol: protocol}, nil); err != nil ||
			got != protocol {
			t.Errorf("%s: the app served %q, %v", protocol, got, err)
		}
	}
}
