package nethttp_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gin-gonic/gin"

	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/ending"
)

// waitAnd waits for the end of the request's context, and then ends as it does.
func waitAnd(end func(w http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		end(w)
	}
}

// quitters are handlers that return when their context ends, and what their client
// hears then.
var quitters = []struct {
	name string
	h    http.HandlerFunc
	own  int // status, or 0: it stands for the end
}{
	{"says nothing", waitAnd(func(http.ResponseWriter) {}), 0},
	{"has set headers", waitAnd(func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "100")
		w.Header().Set("Content-Encoding", "br")
	}), 0},
	{"says a status", waitAnd(func(w http.ResponseWriter) { w.WriteHeader(http.StatusTeapot) }), 418},
	{"says 200", waitAnd(func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) }), 200},
	{"writes", waitAnd(func(w http.ResponseWriter) { io.WriteString(w, "bye") }), 200},
	{"had begun", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}, 200},
}

// serverEnds are how the gateway ends a conversation, and what that stands for.
var serverEnds = map[string]struct {
	end    func(g *nethttp.Gateway, conn parley.Conn)
	status int
}{
	"a drain": {func(g *nethttp.Gateway, _ parley.Conn) { g.Drain(context.Background()) }, 503},
	"a logout": {func(_ *nethttp.Gateway, conn parley.Conn) {
		conn.(ending.Ender).End(parley.ErrAuthExpired)
	}, 401},
}

// TestSilentHandlers: what a handler leaves unsaid since the gateway ended its context
// is no 200.
func TestSilentHandlers(t *testing.T) {
	for shape, wrap := range silentShapes {
		for cause, c := range serverEnds {
			for _, q := range quitters {
				t.Run(shape+"/"+cause+"/"+q.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						conns := make(chan parley.Conn, 1)
						g := gateway(handsOut(conns, wrap(q.h)))
						var front http.Handler = g
						if shape == "at a gin route" {
							gin.SetMode(gin.ReleaseMode)
							engine := gin.New()
							engine.GET("/", parleygin.Gateway(g))
							front = engine
						}
						client := adaptertest.ServeInBubble(t, front).Dial()
						client.Say("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
						conn := <-conns
						synctest.Wait()
						go c.end(g, conn)
						want := q.own
						if want == 0 || q.name == "says 200" && shape == "at a gin route" {
							want = c.status // gin does not tell 200 from nothing
						}
						head := client.Head("GET")
						if head.StatusCode != want || head.Header.Get("Content-Encoding") != "" {
							t.Errorf("answered with %d %v, want %d", head.StatusCode, head.Header, want)
						}
					})
				})
			}
		}
	}
}

// silentShapes are ways to have a handler below a gateway.
var silentShapes = map[string]func(h http.HandlerFunc) parley.App{
	"native": func(h http.HandlerFunc) parley.App { return nethttp.App(h) },
	"below net/http's middleware": func(h http.HandlerFunc) parley.App {
		pass := func(next http.Handler) http.Handler { return next }
		return nethttp.Middleware(pass)(nethttp.App(h))
	},
	"below middleware that wraps the writer": func(h http.HandlerFunc) parley.App {
		hide := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(struct {
					http.ResponseWriter
					http.Flusher
				}{w, w.(http.Flusher)}, r)
			})
		}
		return nethttp.Middleware(hide)(nethttp.App(h))
	},
	"over events": func(h http.HandlerFunc) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			return nethttp.App(h).Serve(ctx, scope, struct{ parley.Conn }{conn})
		})
	},
	"at a gin route": func(h http.HandlerFunc) parley.App { return nethttp.App(h) },
}

type markKey struct{}

// handsOut gives away the conn that app is served with, and adds to the context, which
// has the conversation's reach the handler.
func handsOut(conns chan<- parley.Conn, app parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		conns <- conn
		return app.Serve(context.WithValue(ctx, markKey{}, true), scope, conn)
	})
}

// TestSilentHandshakes: so it is for a handler that was to upgrade by itself.
func TestSilentHandshakes(t *testing.T) {
	for cause, c := range serverEnds {
		t.Run(cause, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conns := make(chan parley.Conn, 1)
				g := gateway(handsOut(conns, nethttp.App(waitAnd(func(http.ResponseWriter) {}))))
				client := adaptertest.ServeInBubble(t, g).Dial()
				client.Say("%s", getting("/", upgrade...))
				conn := <-conns
				synctest.Wait()
				go c.end(g, conn)
				if head := client.Head("GET"); head.StatusCode != c.status {
					t.Errorf("answered with %d, want %d", head.StatusCode, c.status)
				}
			})
		})
	}
}

// TestSilentHandlersOverHTTP2 asks net/http's other writer.
func TestSilentHandlersOverHTTP2(t *testing.T) {
	for _, q := range quitters {
		t.Run(q.name, func(t *testing.T) {
			conns := make(chan parley.Conn, 1)
			server := adaptertest.New(t, gateway(handsOut(conns, nethttp.App(q.h))))
			server.EnableHTTP2 = true
			server.StartTLS()
			go func() { (<-conns).(ending.Ender).End(parley.ErrAuthExpired) }()
			answer, err := server.Client().Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			server.Close()
			want := q.own
			if want == 0 {
				want = 401
			}
			if answer.StatusCode != want {
				t.Errorf("answered with %d, want %d", answer.StatusCode, want)
			}
			if lines := strings.Join(server.Log(), ""); strings.Contains(lines, "superfluous") {
				t.Errorf("the log: %s", lines)
			}
		})
	}
}
