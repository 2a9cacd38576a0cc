package nethttp_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/olahol/melody"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// hijackers are handlers that take a WebSocket over with a library of their own, echo
// what they hear, and close with 4001 when they are told to. They tell what the end
// was to them.
var hijackers = []struct {
	name string
	make func(t *testing.T, ended chan<- error) http.Handler
}{
	{"gorilla", func(_ *testing.T, ended chan<- error) http.Handler {
		return serve(func(w http.ResponseWriter, r *http.Request) {
			if conn, err := anyOrigin.Upgrade(w, r, nil); err == nil {
				echoUntil(conn, ended)
			}
		})
	}},
	{"gorilla, left running", func(_ *testing.T, ended chan<- error) http.Handler {
		return serve(func(w http.ResponseWriter, r *http.Request) {
			if conn, err := anyOrigin.Upgrade(w, r, nil); err == nil {
				go echoUntil(conn, ended)
			}
		})
	}},
	{"melody", func(_ *testing.T, ended chan<- error) http.Handler {
		m := melody.New()
		m.Upgrader.Subprotocols = []string{"chat"}
		m.Config.MaxMessageSize = 1 << 20
		m.HandleMessage(func(s *melody.Session, message []byte) { sayBack(s, message, s.Write) })
		m.HandleMessageBinary(func(s *melody.Session, message []byte) {
			sayBack(s, message, s.WriteBinary)
		})
		m.HandleError(func(_ *melody.Session, err error) { ended <- err })
		return serve(func(w http.ResponseWriter, r *http.Request) { m.HandleRequest(w, r) })
	}},
	{"ReverseProxy", func(t *testing.T, ended chan<- error) http.Handler {
		return proxyTo(t, adaptertest.Serve(t, serve(func(w http.ResponseWriter, r *http.Request) {
			if conn, err := anyOrigin.Upgrade(w, r, nil); err == nil {
				echoUntil(conn, ended)
			}
		})))
	}},
}

var anyOrigin = websocket.Upgrader{
	Subprotocols: []string{"chat"}, CheckOrigin: func(*http.Request) bool { return true },
	EnableCompression: true,
}

func echoUntil(conn *websocket.Conn, ended chan<- error) {
	defer conn.Close()
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			ended <- err
			return
		}
		if string(message) == "enough" {
			sayGoodbye(conn, 4001, "as you wish")
			continue
		}
		conn.WriteMessage(kind, message)
	}
}

func sayGoodbye(conn *websocket.Conn, code int, reason string) {
	payload := websocket.FormatCloseMessage(code, reason)
	conn.WriteControl(websocket.CloseMessage, payload, time.Now().Add(adaptertest.Patience))
}

func sayBack(s *melody.Session, message []byte, write func([]byte) error) {
	if string(message) == "enough" {
		s.CloseWithMsg(melody.FormatCloseMessage(4001, "as you wish"))
		return
	}
	write(message)
}

// TestHijackedSocketsOverEvents: below middleware that wraps the conn a library's
// socket works, by messages that pass the middleware.
func TestHijackedSocketsOverEvents(t *testing.T) {
	for _, h := range hijackers {
		t.Run(h.name, func(t *testing.T) {
			t.Run("closed by the client", func(t *testing.T) {
				passed, ended := visitHijacker(t, h.make, func(conn *websocket.Conn) {
					sayGoodbye(conn, 4002, "bye")
				}, 4002)
				if passed != 6 || !websocket.IsCloseError(ended, 4002) {
					t.Errorf("%d messages passed, the handler met %v", passed, ended)
				}
			})
			t.Run("closed by the handler", func(t *testing.T) {
				passed, ended := visitHijacker(t, h.make, func(conn *websocket.Conn) {
					conn.WriteMessage(websocket.TextMessage, []byte("enough"))
				}, 4001)
				if passed != 7 || ended == nil {
					t.Errorf("%d messages passed, the handler met %v", passed, ended)
				}
			})
			t.Run("lost", func(t *testing.T) {
				_, ended := visitHijacker(t, h.make, func(conn *websocket.Conn) { conn.NetConn().Close() }, 0)
				if ended == nil || websocket.IsCloseError(ended, 4002) {
					t.Errorf("the handler met %v", ended)
				}
			})
		})
	}
}

// visitHijacker exchanges three messages with a handler below middleware that counts
// them, has end end the socket, and returns what passed and what the handler met. want
// is the code that the client hears, if any.
func visitHijacker(
	t *testing.T, handler func(*testing.T, chan<- error) http.Handler,
	end func(*websocket.Conn), want int,
) (passed int64, met error) {
	t.Helper()
	var messages atomic.Int64
	ended := make(chan error, 1)
	app := nethttp.App(handler(t, ended))
	server := adaptertest.Serve(t, gateway(counting(&messages)(app),
		nethttp.Options{WebSocket: unhurried}))
	dialer := websocket.Dialer{Subprotocols: []string{"chat"}, EnableCompression: true}
	conn, _, err := dialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(adaptertest.Patience))
	if conn.Subprotocol() != "chat" {
		t.Errorf("speaks %q", conn.Subprotocol())
	}
	for i, size := range []int{2, 600, 100_000} {
		message := strings.Repeat("x", size)
		kind := websocket.TextMessage + i%2
		conn.WriteMessage(kind, []byte(message))
		gotKind, got, err := conn.ReadMessage()
		if err != nil || gotKind != kind || string(got) != message {
			t.Fatalf("echo of %d bytes: %d of kind %d, %v", len(message), len(got), gotKind, err)
		}
	}
	end(conn)
	if _, _, err := conn.ReadMessage(); want != 0 && !websocket.IsCloseError(err, want) {
		t.Errorf("the client heard %v, want %d", err, want)
	}
	return messages.Load(), adaptertest.Await(t, ended, "the handler's end")
}

// counting counts the messages that pass.
func counting(messages *atomic.Int64) parley.Middleware {
	return func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			return next.Serve(ctx, scope, &countingConn{conn, messages})
		})
	}
}

type countingConn struct {
	parley.Conn
	messages *atomic.Int64
}

func (c *countingConn) Receive(ctx context.Context) (parley.Event, error) {
	event, err := c.Conn.Receive(ctx)
	if _, ok := event.(parley.WebSocketReceive); ok {
		c.messages.Add(1)
	}
	return event, err
}

func (c *countingConn) Send(ctx context.Context, event parley.Event) error {
	if _, ok := event.(parley.WebSocketSend); ok {
		c.messages.Add(1)
	}
	return c.Conn.Send(ctx, event)
}

// TestHijackedSocketEnds: a handler that has hijacked a socket and ends otherwise
// than by saying goodbye.
func TestHijackedSocketEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(conn *websocket.Conn)
		want int
	}{
		{"closes its end", func(conn *websocket.Conn) { conn.Close() }, websocket.CloseNormalClosure},
		{"panics", func(*websocket.Conn) { panic("boom") }, websocket.CloseInternalServerErr},
		{"exits", func(*websocket.Conn) { runtime.Goexit() }, websocket.CloseInternalServerErr},
		{"writes nonsense", func(conn *websocket.Conn) {
			conn.NetConn().Write([]byte{0xff, 0xff})
			conn.Close()
		}, websocket.CloseInternalServerErr},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := serve(func(w http.ResponseWriter, r *http.Request) {
				conn, err := anyOrigin.Upgrade(w, r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				c.end(conn)
			})
			server := adaptertest.Serve(t, gateway(wrapping(nethttp.App(h))))
			conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetReadDeadline(time.Now().Add(adaptertest.Patience))
			if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, c.want) {
				t.Errorf("the client heard %v, want %d", err, c.want)
			}
		})
	}
}

// TestHandshakesOverEventsEnd: however a handler ends that was to answer a handshake,
// the client hears of it, and only a handler that has answered lets it go by.
func TestHandshakesOverEventsEnd(t *testing.T) {
	hijack := func(w http.ResponseWriter) net.Conn {
		conn, _, _ := w.(http.Hijacker).Hijack()
		return conn
	}
	for _, c := range []struct {
		name    string
		handler func(w http.ResponseWriter, r *http.Request)
		want    string
	}{
		{"silence", func(http.ResponseWriter, *http.Request) {}, "200"}, // as on net/http
		{"panic", func(http.ResponseWriter, *http.Request) { panic("boom") }, "500"},
		{"abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ""},
		{"exit", func(http.ResponseWriter, *http.Request) { runtime.Goexit() }, "500"},
		{"hijacked, closed", func(w http.ResponseWriter, _ *http.Request) { hijack(w).Close() }, "500"},
		{"hijacked, closed behind its back", func(w http.ResponseWriter, _ *http.Request) {
			go hijack(w).Close()
		}, "500"},
		{"hijacked, panic", func(w http.ResponseWriter, _ *http.Request) { hijack(w); panic("boom") },
			"500"},
		{"hijacked, exit", func(w http.ResponseWriter, _ *http.Request) { hijack(w); runtime.Goexit() },
			"500"},
		{"hijacked, nonsense", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(hijack(w), "nonsense\r\n\r\n")
		}, "500"},
		{"hijacked, denied", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(hijack(w), "HTTP/1.1 418 teapot\r\nContent-Length: 0\r\n\r\n")
		}, "418"},
		{"hijacked, an extension of its own", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(hijack(w), "HTTP/1.1 101 x\r\nSec-WebSocket-Extensions: x\r\n\r\n")
		}, "500"},
		{"hijacked, a subprotocol of its own", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(hijack(w), "HTTP/1.1 101 x\r\nSec-WebSocket-Protocol: x\r\n\r\n")
		}, "500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := adaptertest.Serve(t, eventShape.wrap(serve(c.handler)))
			got := server.Exchange(getting("/", upgrade...), "")
			if c.want != "" && !strings.HasPrefix(got, "HTTP/1.1 "+c.want+" ") || c.want == "" && got != "" {
				t.Errorf("got %.100q, want %s", got, c.want)
			}
		})
	}
}

// TestMiddlewareOfHijackedSocketsFails: what user code does below a tunnel ends its
// conversation and nothing else.
func TestMiddlewareOfHijackedSocketsFails(t *testing.T) {
	for name, fail := range map[string]func(){
		"panic": func() { panic("boom") },
		"exit":  runtime.Goexit,
	} {
		for _, in := range []string{"Send", "Receive"} {
			t.Run(name+" in "+in, func(t *testing.T) {
				app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
					failing := &failingConn{Conn: conn, in: in, fail: fail}
					return nethttp.App(gorillaEcho()).Serve(ctx, scope, failing)
				})
				server := adaptertest.Serve(t, gateway(app))
				url := "ws" + strings.TrimPrefix(server.URL, "http")
				conn, _, err := websocket.DefaultDialer.Dial(url, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				conn.SetReadDeadline(time.Now().Add(adaptertest.Patience))
				conn.WriteMessage(websocket.TextMessage, []byte("hi"))
				if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, 1011) {
					t.Errorf("the client heard %v", err)
				}
			})
		}
	}
}

// failingConn fails with the first message.
type failingConn struct {
	parley.Conn
	in   string
	fail func()
}

func (c *failingConn) Receive(ctx context.Context) (parley.Event, error) {
	event, err := c.Conn.Receive(ctx)
	if _, ok := event.(parley.WebSocketReceive); ok && c.in == "Receive" {
		c.fail()
	}
	return event, err
}

func (c *failingConn) Send(ctx context.Context, event parley.Event) error {
	if _, ok := event.(parley.WebSocketSend); ok && c.in == "Send" {
		c.fail()
	}
	return c.Conn.Send(ctx, event)
}
