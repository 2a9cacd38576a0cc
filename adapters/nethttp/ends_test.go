package nethttp_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// ends are the ways in which user code ends.
var ends = map[string]func() error{
	"return":    func() error { return nil },
	"error":     func() error { return errors.New("no") },
	"panic":     func() error { panic("no") },
	"exit":      func() error { runtime.Goexit(); return nil },
	"abort":     func() error { panic(http.ErrAbortHandler) },
	"not found": func() error { return parley.ErrNotFound },
}

// TestEndsOfSockets: however an app ends, before it has answered the handshake or
// afterwards, the client hears of it, and nothing is left.
func TestEndsOfSockets(t *testing.T) {
	const failed, cut = "HTTP/1.1 500 ", ""
	for _, c := range []struct{ end, unanswered, accepted, denying string }{
		{"return", failed, "\x88\x02\x03\xe8", ""},
		{"error", failed, "\x88\x02\x03\xf3", ""},
		{"panic", failed, "\x88\x02\x03\xf3", ""},
		{"exit", failed, "\x88\x02\x03\xf3", ""},
		{"abort", cut, "", ""},
		{"not found", "HTTP/1.1 404 ", "\x88\x02\x03\xf3", ""},
	} {
		for _, mode := range []nethttp.Mode{nethttp.Detach, nethttp.Hold} {
			for when, want := range map[string]string{"unanswered": c.unanswered, "accepted": c.accepted,
				"denying": c.denying} {
				t.Run(c.end+"/"+when, func(t *testing.T) {
					app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
						switch conn.Receive(ctx); when {
						case "accepted":
							conn.Send(ctx, parley.WebSocketAccept{})
						case "denying":
							conn.Send(ctx, parley.WebSocketResponseStart{Status: 418})
							conn.Send(ctx, parley.WebSocketResponseBody{Body: []byte("half"), More: true})
						}
						return ends[c.end]()
					})
					g := gateway(app, nethttp.Options{Mode: mode})
					server := adaptertest.Serve(t, g)
					server.Expect("abort Handler")
					reply := map[string]string{"accepted": goodbye}[when]
					got := server.Exchange(getting("/", upgrade...), reply)
					ok := strings.HasPrefix(got, want)
					switch when {
					case "unanswered":
						ok = ok && (want != "" || got == "")
					case "accepted":
						_, frames, _ := strings.Cut(got, "\r\n\r\n")
						ok = strings.HasPrefix(got, "HTTP/1.1 101 ") && frames == want
					case "denying":
						ok = strings.HasPrefix(got, "HTTP/1.1 418 ") && !strings.HasSuffix(got, "0\r\n\r\n")
					}
					if !ok {
						t.Errorf("mode %d: got %q, want %q", mode, got, want)
					}
					if err := g.Drain(t.Context()); err != nil || g.Stats().Live != 0 {
						t.Errorf("left: %+v, %v", g.Stats(), err)
					}
				})
			}
		}
	}
}

// TestEndsOfRequests: likewise over HTTP.
func TestEndsOfRequests(t *testing.T) {
	for _, c := range []struct{ end, unanswered, answered string }{
		{"return", "500", "answer"},
		{"error", "500", "answer"},
		{"panic", "500", "answer"},
		{"exit", "500", "answer"},
		{"abort", "", "HTTP/1.1 200 OK"},
		{"not found", "404", "answer"},
	} {
		for when, want := range map[string]string{"unanswered": c.unanswered, "answered": c.answered,
			"answering": ""} {
			t.Run(c.end+"/"+when, func(t *testing.T) {
				app := httpApp(func(ctx context.Context, conn parley.Conn) error {
					switch when {
					case "answered":
						respond(ctx, conn, "answer")
					case "answering":
						sendAll(ctx, conn, parley.HTTPResponseStart{Status: 200},
							parley.HTTPResponseBody{Body: []byte("half"), More: true})
					}
					return ends[c.end]()
				})
				server := adaptertest.Serve(t, gateway(app))
				server.Expect("abort Handler")
				got := server.Exchange(getting("/"), "")
				ok := strings.Contains(got, want) && (want != "" || got == "")
				if when == "answering" {
					ok = strings.Contains(got, "half") && !strings.HasSuffix(got, "0\r\n\r\n")
				}
				if !ok {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		}
	}
}

// TestPanicsThatAreHeldUp: middleware of a user's own that recovers from the panic
// of a native handler does not make an empty 200 of it.
func TestPanicsThatAreHeldUp(t *testing.T) {
	holding := func(result error) parley.Middleware {
		return func(next parley.App) parley.App {
			return parley.AppFunc(func(
				ctx context.Context, scope *parley.Scope, conn parley.Conn,
			) (err error) {
				defer func() {
					if recover() != nil {
						err = result
					}
				}()
				return next.Serve(ctx, scope, conn)
			})
		}
	}
	for _, result := range []error{nil, errors.New("recovered")} {
		for name, c := range map[string]struct {
			handler http.HandlerFunc
			want    string
		}{
			"nothing written": {func(http.ResponseWriter, *http.Request) { panic("no") }, "HTTP/1.1 500 "},
			"half written": {func(w http.ResponseWriter, _ *http.Request) {
				w.Write([]byte("half"))
				panic("no")
			}, "4\r\nhalf\r\n"},
		} {
			for _, request := range []string{getting("/"), getting("/", upgrade...)} {
				app := parley.Chain(dispatch(nethttp.App(c.handler)), holding(result))
				server := adaptertest.Serve(t, gateway(app))
				server.Expect("")
				got := server.Exchange(request, "")
				socket := strings.Contains(request, "websocket")
				if socket && strings.Contains(got, " 200 ") && strings.HasSuffix(got, "0\r\n\r\n") ||
					!socket && (!strings.Contains(got, c.want) || strings.HasSuffix(got, "0\r\n\r\n")) {
					t.Errorf("%s: %q", name, got)
				}
			}
		}
	}
}

// TestFailuresAreLogged: once each, and as what they are.
func TestFailuresAreLogged(t *testing.T) {
	for _, c := range []struct {
		name, want string
		app        func(ctx context.Context, conn parley.Conn) error
	}{
		{"behind a complete answer", "level=ERROR", func(ctx context.Context, conn parley.Conn) error {
			respond(ctx, conn, "answer")
			return errors.New("the database is gone")
		}},
		{"no answer", "without an answer", func(context.Context, parley.Conn) error { return nil }},
		{"panic", "stack=", func(context.Context, parley.Conn) error { panic("the database is gone") }},
		{"exit", "Goexit", func(context.Context, parley.Conn) error { runtime.Goexit(); return nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			options := nethttp.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}
			server := adaptertest.Serve(t, nethttp.Handler(httpApp(c.app), options))
			server.Exchange(getting("/"), "")
			server.Close()
			if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), c.want) {
				t.Errorf("not one line with %q: %s", c.want, &log)
			}
		})
	}
}

type brokenLog struct{ slog.Handler }

func (brokenLog) Enabled(context.Context, slog.Level) bool  { return true }
func (brokenLog) Handle(context.Context, slog.Record) error { panic("no log") }

// TestBrokenLogs: a logger that panics costs its line.
func TestBrokenLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, app := range map[string]parley.App{
			"fails": parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error {
				return errors.New("no")
			}),
			"is idle": parley.AppFunc(func(ctx context.Context, _ *parley.Scope, _ parley.Conn) error {
				<-ctx.Done()
				return nil
			}),
			"is asked": echo,
		} {
			g := nethttp.Handler(app, nethttp.Options{Logger: slog.New(brokenLog{})})
			client := adaptertest.ServeInBubble(t, g).Dial()
			client.Say("%s", getting("/", append(upgrade, stranger)...))
			if answer := client.Response("GET"); answer.Status < 400 {
				t.Errorf("%s: %+v", name, answer)
			}
			if err := g.Drain(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}
