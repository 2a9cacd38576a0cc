package nethttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/parleytest"
)

// lateWriter does something when the answer begins, as a session manager does.
type lateWriter struct {
	http.ResponseWriter
	late    func(w http.ResponseWriter, status int)
	written bool
}

func (w *lateWriter) WriteHeader(status int) {
	if !w.written {
		w.written = true
		w.late(w.ResponseWriter, status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *lateWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func late(name string, do func(w http.ResponseWriter, status int)) parley.Middleware {
	return nethttp.Middleware(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Early-"+name, "1")
			w.Header().Add("X-Both", name)
			next.ServeHTTP(&lateWriter{ResponseWriter: w, late: do}, r)
			fmt.Fprint(w, "too late")
		})
	})
}

// What middleware does when the answer begins is done before it goes out, on every
// kind of answer to a handshake.
func TestHeadOfHandshake(t *testing.T) {
	accept := func(ctx context.Context, conn parley.Conn) error {
		return conn.Send(ctx, parley.WebSocketAccept{Header: http.Header{"X-Both": {"app"}}})
	}
	for _, test := range []struct {
		name   string
		answer func(ctx context.Context, conn parley.Conn) error
		late   func(w http.ResponseWriter, status int) // besides the header
		status int
		body   string
		err    error
	}{
		{"accept", accept, nil, 101, "", nil},
		{"deny", func(ctx context.Context, conn parley.Conn) error {
			return conn.Send(ctx, parley.WebSocketDeny{Status: 402, Body: []byte("pay")})
		}, nil, 402, "pay", nil},
		{"streamed denial", func(ctx context.Context, conn parley.Conn) error {
			conn.Send(ctx, parley.WebSocketResponseStart{Status: 402})
			return conn.Send(ctx, parley.WebSocketResponseBody{Body: []byte("pay")})
		}, nil, 402, "pay", nil},
		{"close", func(ctx context.Context, conn parley.Conn) error {
			return conn.Send(ctx, parley.WebSocketClose{})
		}, nil, 403, "", nil},
		{"answered instead", accept, func(w http.ResponseWriter, _ int) {
			http.Error(w, "no store", 503)
		}, 503, "no store\n", parley.ErrDisconnected},
	} {
		for _, live := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, live %v", test.name, live), func(t *testing.T) {
				var statuses []int
				hook := func(name string) func(w http.ResponseWriter, status int) {
					return func(w http.ResponseWriter, status int) {
						statuses = append(statuses, status)
						w.Header().Set("X-Late-"+name, "1")
						w.Header().Add("X-Both", "late "+name)
						if test.late != nil && name == "Inner" {
							test.late(w, status)
						}
					}
				}
				app := parley.Chain(parley.AppFunc(func(
					ctx context.Context, _ *parley.Scope, conn parley.Conn,
				) error {
					conn.Receive(ctx)
					if err := test.answer(ctx, conn); !errors.Is(err, test.err) {
						t.Errorf("the app is told %v, want %v", err, test.err)
					}
					return nil
				}), late("Outer", hook("Outer")), late("Inner", hook("Inner")))
				status, header, body := handshakeWith(t, app, live)
				if status != test.status || !strings.HasPrefix(body, test.body) ||
					strings.Contains(body, "too late") {
					t.Errorf("%d %q, want %d %q", status, body, test.status, test.body)
				}
				for _, name := range []string{"X-Early-Outer", "X-Early-Inner", "X-Late-Inner"} {
					if header.Get(name) != "1" {
						t.Errorf("no %s in %v", name, header)
					}
				}
				both := header.Values("X-Both")
				if len(both) < 3 || test.late == nil && len(statuses) != 2 || statuses[0] != 101 &&
					statuses[0] != test.status {
					t.Errorf("X-Both %q, statuses %d", both, statuses)
				}
			})
		}
	}
}

// TestWaysToAnswerAHandshake: middleware may answer in a handshake's place, before it
// hands on and when the app's answer begins, by all that writers can.
func TestWaysToAnswerAHandshake(t *testing.T) {
	copies := func(w http.ResponseWriter) {
		w.WriteHeader(503)
		io.Copy(w, struct{ io.Reader }{strings.NewReader("no ")}) // which asks for a ReaderFrom
		http.NewResponseController(w).Flush()
		io.WriteString(w, "store")
	}
	for name, c := range map[string]struct {
		early, late func(w http.ResponseWriter)
		status      int
		body, mark  string
	}{
		"before":       {copies, nil, 503, "no store", ""},
		"in its place": {nil, copies, 503, "no store", ""},
		"changes a mark": {nil, func(w http.ResponseWriter) {
			w.Header().Set("X-Mark", "late")
		}, 101, "", "late app"},
		"flushes": {nil, func(w http.ResponseWriter) {
			w.(http.Flusher).Flush() // there is nothing to bring to the client yet
		}, 101, "", "early app"},
	} {
		t.Run(name, func(t *testing.T) {
			middleware := nethttp.Middleware(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if c.early != nil {
						c.early(w)
						return
					}
					w.Header().Set("X-Mark", "early")
					late := func(w http.ResponseWriter, _ int) { c.late(w) }
					next.ServeHTTP(&lateWriter{ResponseWriter: w, late: late}, r)
				})
			})
			app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
				mark := http.Header{"X-Mark": {"app"}}
				return ws.Accept(ctx, parley.WebSocketAccept{Header: mark})
			})
			for _, live := range []bool{false, true} {
				status, header, body := handshakeWith(t, middleware(app), live)
				if status != c.status || body != c.body ||
					c.status == 101 && strings.Join(header["X-Mark"], " ") != c.mark {
					t.Errorf("live %v: %d %q %v", live, status, body, header)
				}
			}
		})
	}
}

// handshakeWith shakes hands with an app and returns its answer.
func handshakeWith(t *testing.T, app parley.App, live bool) (int, http.Header, string) {
	t.Helper()
	if !live {
		ws := parleytest.Dial(t, app, httptest.NewRequest("GET", "/", nil))
		if ws.Accepted() {
			return 101, ws.Accept().Header, ""
		}
		denial := ws.Denial()
		return denial.Status, denial.Header, denial.Body
	}
	gateway := nethttp.Handler(app)
	server := httptest.NewServer(gateway)
	defer server.Close()
	defer gateway.Drain(t.Context())
	ws, response, err := websocket.DefaultDialer.Dial(
		"ws"+strings.TrimPrefix(server.URL, "http"),
		nil,
	)
	if err == nil {
		ws.Close()
		return response.StatusCode, response.Header, ""
	}
	if response == nil {
		t.Fatal(err)
	}
	body := make([]byte, 1024)
	n, _ := response.Body.Read(body)
	return response.StatusCode, response.Header, string(body[:n])
}

// What is set in advance is in an answer unless the app's own has it, however often and by
// whomever it was set.
func TestHeadInAdvance(t *testing.T) {
	ahead := func(name string) parley.Middleware {
		return func(next parley.App) parley.App {
			return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
				if !protocol.SetHead(conn, http.Header{name: {"ahead"}}) {
					t.Error("too late")
				}
				return next.Serve(ctx, scope, conn)
			})
		}
	}
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		own := http.Header{"X-Mark": {"own"}, "x-own": {"own"}}
		return parley.Answer(ctx, scope, conn, 418, own, nil)
	})
	all := parley.Chain(app, ahead("X-Mark"), ahead("X-Own"), ahead("X-Else"))
	_, header, _ := handshakeWith(t, all, true)
	for name, want := range map[string]string{"X-Mark": "own", "X-Own": "own", "X-Else": "ahead"} {
		if got := header[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
