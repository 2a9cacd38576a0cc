package overevents

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
)

// socketConn is a WebSocket conversation whose peer is the test.
type socketConn struct {
	incoming chan parley.Event
	sent     []string
	refuse   error // the answer to messages
	last     parley.Event
}

func (c *socketConn) Receive(ctx context.Context) (parley.Event, error) {
	if c.last != nil {
		return c.last, nil
	}
	select {
	case event := <-c.incoming:
		if _, over := event.(parley.WebSocketDisconnect); over {
			c.last = event
		}
		return event, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (c *socketConn) Send(_ context.Context, event parley.Event) error {
	switch event := event.(type) {
	case parley.WebSocketAccept:
		c.sent = append(c.sent, fmt.Sprintf("accept %q %v", event.Subprotocol, event.Header))
	case parley.WebSocketSend:
		if c.refuse != nil {
			return c.refuse
		}
		c.sent = append(c.sent, fmt.Sprintf("%s %q", event.Type, event.Data))
	case parley.WebSocketClose:
		c.sent = append(c.sent, fmt.Sprintf("close %d %q", event.Code, event.Reason))
	case parley.WebSocketDeny:
		c.sent = append(c.sent, fmt.Sprintf("deny %d %v %q", event.Status, event.Header, event.Body))
	default:
		c.sent = append(c.sent, event.EventType())
	}
	return nil
}

// library is the handler's side of a socket.
type library struct {
	net.Conn
	reader frameReader
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\nSet-Cookie: a=1\r\n\r\n"

// hijacks is a library's handler that upgrades and speaks.
func hijacks(t *testing.T, speak func(l *library)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, switching)
		speak(&library{Conn: conn, reader: frameReader{r: bufio.NewReader(conn)}})
	})
}

func (l *library) say(first byte, payload string) { io.WriteString(l, server(first, payload)) }

// hear is what the peer says next, frame by frame.
func (l *library) hear() string {
	op, _, payload, err := l.reader.frame()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x %q", byte(op), payload)
}

const accepted = `accept "chat" map[Set-Cookie:[a=1]]`

func bye(code parley.CloseCode, reason string) parley.Event {
	why := &parley.CloseError{Code: code, Reason: reason}
	return parley.WebSocketDisconnect{Code: code, Reason: reason, Cause: why}
}

var lostPeer = parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: parley.ErrDisconnected}

func TestTunnel(t *testing.T) {
	for _, c := range []struct {
		name     string
		incoming []parley.Event
		refuse   error
		speak    func(l *library, conn *socketConn, heard func(string))
		heard    []string
		sent     []string
		err      error
	}{
		{"messages", []parley.Event{
			parley.WebSocketReceive{Data: []byte("hi")},
			parley.WebSocketReceive{Type: parley.BinaryMessage, Data: make([]byte, 200)},
			parley.WebSocketReceive{Data: make([]byte, 70_000)}, bye(4000, "bye"),
		}, nil, func(l *library, _ *socketConn, heard func(string)) {
			heard(l.hear())
			l.say(0x81, "one")
			l.say(0x02, "t")
			l.say(0x80, "wo")
			heard(fmt.Sprint(len(l.hear())))
			heard(fmt.Sprint(len(l.hear())))
			heard(l.hear())
			l.say(0x88, "\x0f\xa0bye")
			heard(l.hear())
		}, []string{`1 "hi"`, "804", "280004", `8 "\x0f\xa0bye"`, "EOF"},
			[]string{accepted, `text "one"`, `binary "two"`, `close 4000 "bye"`}, nil},
		{"closed by the handler", nil, nil, func(l *library, conn *socketConn, heard func(string)) {
			l.say(0x88, "\x0f\xa1why")
			synctest.Wait()
			conn.incoming <- bye(4001, "why")
			heard(l.hear())
			heard(l.hear())
		}, []string{`8 "\x0f\xa1why"`, "EOF"}, []string{accepted, `close 4001 "why"`}, nil},
		{"closed without a code", []parley.Event{bye(parley.CloseNoStatus, "")}, nil,
			func(l *library, _ *socketConn, heard func(string)) {
				heard(l.hear())
				l.say(0x88, "")
				heard(l.hear())
			}, []string{`8 ""`, "EOF"}, []string{accepted, `close 1000 ""`}, nil},
		{"no answer to a goodbye", []parley.Event{bye(4000, "")}, nil,
			func(l *library, _ *socketConn, heard func(string)) {
				heard(l.hear())
				time.Sleep(time.Minute)
				heard(l.hear())
			}, []string{`8 "\x0f\xa0"`, "EOF"}, []string{accepted}, nil},
		{"a goodbye that nobody hears", []parley.Event{bye(4000, "")}, nil,
			func(l *library, _ *socketConn, heard func(string)) {
				time.Sleep(time.Minute)
				heard(l.hear())
			}, []string{"EOF"}, []string{accepted}, nil},
		{"lost", []parley.Event{lostPeer}, nil, func(l *library, _ *socketConn, heard func(string)) {
			heard(l.hear())
		}, []string{"EOF"}, []string{accepted}, nil},
		{"said after the end", []parley.Event{bye(4000, "")}, parley.ErrDisconnected,
			func(l *library, _ *socketConn, heard func(string)) {
				l.say(0x81, "dropped")
				heard(l.hear())
			}, []string{`8 "\x0f\xa0"`}, []string{accepted}, nil},
		{"refused", nil, parley.ErrTooLarge, func(l *library, _ *socketConn, heard func(string)) {
			l.say(0x81, "large")
			heard(l.hear())
		}, []string{"EOF"}, []string{accepted}, parley.ErrTooLarge},
		{"pings", nil, nil, func(l *library, _ *socketConn, heard func(string)) {
			l.say(0x89, "there?")
			l.say(0x89, "again?") // while the first answer was not read
			l.say(0x8a, "unasked")
			heard(l.hear())
		}, []string{`a "there?"`}, []string{accepted}, nil},
		{"a close frame of one byte", nil, nil, func(l *library, _ *socketConn, heard func(string)) {
			l.say(0x88, "x")
			heard(l.hear())
		}, []string{"EOF"}, []string{accepted}, errBadFrame},
		{"an event of another kind", []parley.Event{parley.HTTPRequest{}}, nil,
			func(l *library, _ *socketConn, heard func(string)) { heard(l.hear()) },
			[]string{"EOF"}, []string{accepted}, parley.ErrUnexpectedEvent},
		{"left without a word",
			nil, nil, func(*library, *socketConn, func(string)) {}, nil, []string{accepted}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := &socketConn{incoming: make(chan parley.Event, 10), refuse: c.refuse}
				conn.incoming <- parley.WebSocketConnect{}
				for _, event := range c.incoming {
					conn.incoming <- event
				}
				var heard []string
				h := hijacks(t, func(l *library) {
					c.speak(l, conn, func(what string) { heard = append(heard, what) })
				})
				scope := handshakeScope(t)
				scope.Subprotocols = []string{"chat"}
				err := Serve(t.Context(), h, scope, conn)
				if !slices.Equal(heard, c.heard) || !slices.Equal(conn.sent, c.sent) || !errors.Is(err, c.err) {
					t.Errorf("heard %q, sent %q, %v, want %q, %q, %v",
						heard, conn.sent, err, c.heard, c.sent, c.err)
				}
			})
		})
	}
}

// TestTunnelAsksWhenItsHandlerDoes: while a handler is at what it was given, and until
// what it has said to that is sent, nobody asks for the next message. Then transports
// know that it is at work: they let it finish before they close, or answer a goodbye.
func TestTunnelAsksWhenItsHandlerDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := &slowConn{socketConn: socketConn{incoming: make(chan parley.Event, 3)}}
		conn.incoming <- parley.WebSocketConnect{}
		conn.incoming <- parley.WebSocketReceive{Data: make([]byte, 5000)}
		conn.incoming <- bye(4000, "")
		err := Serve(t.Context(), hijacks(t, func(l *library) {
			l.hear()
			time.Sleep(time.Second) // at work
			if asked := conn.asked.Load(); asked != 2 {
				t.Errorf("asked %d times by a handler that is at work", asked)
			}
			io.WriteString(l, "\x82\x7e\x20\x00"+strings.Repeat("x", 1<<13))
			if got := l.hear(); got != `8 "\x0f\xa0"` {
				t.Errorf("heard %s", got)
			}
			l.say(0x88, "\x0f\xa0")
		}), handshakeScope(t), conn)
		if err != nil || conn.early {
			t.Errorf("asked before the answer was sent: %v, %v", conn.early, err)
		}
	})
}

// TestTunnelHearsWhileItsHandlerSays: a handler that says one thing after the other, to a
// peer that takes its time, hears of the next message all the same.
func TestTunnelHearsWhileItsHandlerSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const messages = 30
		conn := &slowConn{socketConn: socketConn{incoming: make(chan parley.Event, messages+1)}}
		conn.incoming <- parley.WebSocketConnect{}
		for range messages {
			conn.incoming <- parley.WebSocketReceive{Data: []byte("and?")}
		}
		err := Serve(t.Context(), hijacks(t, func(l *library) {
			go func() {
				for err := error(nil); err == nil; {
					_, err = io.WriteString(l, server(0x81, "news"))
				}
			}()
			for range messages {
				l.hear()
			}
			if said := conn.said.Load(); said > 3*messages {
				t.Errorf("said %d things until it heard %d", said, messages)
			}
		}), handshakeScope(t), conn)
		if err != nil {
			t.Error(err)
		}
	})
}

// slowConn takes its time to send, and knows whether it was asked meanwhile.
type slowConn struct {
	socketConn
	asked atomic.Int32
	said  atomic.Int32
	early bool
}

func (c *slowConn) Receive(ctx context.Context) (parley.Event, error) {
	c.asked.Add(1)
	return c.socketConn.Receive(ctx)
}

func (c *slowConn) Send(ctx context.Context, event parley.Event) error {
	if _, ok := event.(parley.WebSocketSend); ok {
		c.said.Add(1)
		asked := c.asked.Load()
		time.Sleep(time.Second)
		c.early = c.asked.Load() != asked
	}
	return c.socketConn.Send(ctx, event)
}

// TestTunnelOfALibraryThatAnswersFirst: the head of the accept is written to the writer.
func TestTunnelOfALibraryThatAnswersFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := &socketConn{incoming: make(chan parley.Event, 1)}
		conn.incoming <- parley.WebSocketConnect{}
		err := Serve(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Sec-WebSocket-Accept", "x")
			w.Header().Set("X-App", "1")
			w.WriteHeader(http.StatusSwitchingProtocols)
			raw, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			if raw.RemoteAddr().String() != r.RemoteAddr || raw.LocalAddr() == nil {
				t.Errorf("between %v and %v", raw.RemoteAddr(), raw.LocalAddr())
			}
			if _, _, again := w.(http.Hijacker).Hijack(); again != http.ErrHijacked {
				t.Error(again)
			}
			io.WriteString(raw, server(0x81, "hi"))
			raw.Close()
		}), handshakeScope(t), conn)
		want := []string{`accept "" map[X-App:[1]]`, `text "hi"`}
		if err != nil || !slices.Equal(conn.sent, want) {
			t.Errorf("sent %q, %v", conn.sent, err)
		}
	})
}

// TestTunnelOfAHandlerThatFails: the tunnel ends with it.
func TestTunnelOfAHandlerThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := &socketConn{incoming: make(chan parley.Event, 1)}
		conn.incoming <- parley.WebSocketConnect{}
		defer func() {
			if recovered := recover(); recovered != "boom" || !slices.Equal(conn.sent, []string{accepted}) {
				t.Errorf("recovered %v, sent %q", recovered, conn.sent)
			}
		}()
		Serve(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			raw, _, _ := w.(http.Hijacker).Hijack()
			io.WriteString(raw, switching)
			synctest.Wait()
			panic("boom")
		}), handshakeScope(t), conn)
	})
}

// TestHandshakeOfAnyTransport: a library finds the handshake that it knows, without
// what the tunnel cannot do.
func TestHandshakeOfAnyTransport(t *testing.T) {
	scope := handshakeScope(t)
	scope.Request.Method, scope.Request.Header = http.MethodConnect, nil
	scope.Subprotocols = []string{"a", "b"}
	conn := &socketConn{incoming: make(chan parley.Event, 1)}
	conn.incoming <- parley.WebSocketConnect{}
	var got string
	Serve(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Method + " " + r.Proto
		for _, name := range []string{"Connection", "Upgrade", "Version", "Protocol", "Extensions"} {
			got += "|" + r.Header.Get("Sec-Websocket-"+name) + r.Header.Get(name)
		}
	}), scope, conn)
	if want := "GET HTTP/1.1|Upgrade|websocket|13|a, b|"; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	if scope.Request.Header != nil || scope.Request.Method != http.MethodConnect {
		t.Error("the scope's request was changed")
	}
}
