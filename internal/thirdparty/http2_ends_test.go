package thirdparty

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/ending"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/server"
)

// endsOverHTTP2 are what a socket can end for.
var endsOverHTTP2 = []struct {
	name    string
	options nethttp.Options
	wrap    parley.Middleware
	provoke func(c *websocket.Conn, s *server.Server, app parley.Conn)
	code    int   // that the client hears, or 0
	cause   error // that the app is told
}{
	{name: "goodbye", provoke: func(c *websocket.Conn, _ *server.Server, _ parley.Conn) {
		c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4001, ""), time.Time{})
	}, code: 4001, cause: &parley.CloseError{Code: 4001}},
	{name: "loss", provoke: func(c *websocket.Conn, _ *server.Server, _ parley.Conn) { c.Close() },
		cause: parley.ErrDisconnected},
	{name: "silence", provoke: func(c *websocket.Conn, _ *server.Server, _ parley.Conn) {
		c.SetPingHandler(func(string) error { return nil })
	}, cause: parley.ErrIdle},
	{name: "drain", provoke: func(_ *websocket.Conn, s *server.Server, _ parley.Conn) {
		go s.Drain(context.Background())
	}, code: 1012, cause: parley.ErrDraining},
	{name: "logout", provoke: func(_ *websocket.Conn, _ *server.Server, app parley.Conn) {
		app.(ending.Ender).End(parley.ErrAuthExpired)
	}, code: 4401, cause: parley.ErrAuthExpired},
	{name: "age", options: nethttp.Options{MaxAge: time.Hour}, code: 1012, cause: parley.ErrTooOld},
	{name: "size", options: nethttp.Options{WebSocket: parley.SocketOptions{MaxMessage: 10}},
		provoke: func(c *websocket.Conn, _ *server.Server, _ parley.Conn) {
			c.WriteMessage(websocket.TextMessage, make([]byte, 11))
		}, code: 1009},
	{name: "a route's size", wrap: middleware.MessageLimit(10),
		provoke: func(c *websocket.Conn, _ *server.Server, _ parley.Conn) {
			c.WriteMessage(websocket.TextMessage, make([]byte, 11))
		}, code: 1009, cause: parley.ErrTooLarge},
	{name: "rate", wrap: middleware.NewRateLimit(middleware.RateLimitOptions{
		Messages: middleware.Rate{PerSecond: 0.001, Burst: 1}}).Wrap,
		provoke: func(c *websocket.Conn, _ *server.Server, _ parley.Conn) {
			c.WriteMessage(websocket.TextMessage, []byte("one"))
			c.WriteMessage(websocket.TextMessage, []byte("two"))
		}, code: 4429, cause: parley.ErrRateLimited},
}

// TestEndsOverHTTP2: whatever a socket ends for, client and app hear of it as they do
// over HTTP/1.1.
func TestEndsOverHTTP2(t *testing.T) {
	if !extended(t) {
		return
	}
	for _, test := range endsOverHTTP2 {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				accepted, cause := make(chan parley.Conn, 1), make(chan error, 1)
				var app parley.App = parley.AppFunc(
					func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
						conn.Send(ctx, parley.WebSocketAccept{})
						accepted <- conn
						for {
							event, err := conn.Receive(ctx)
							if gone, ok := event.(parley.WebSocketDisconnect); ok || err != nil {
								cause <- gone.Cause
								return errors.Join(err, gone.Err())
							}
						}
					})
				if test.wrap != nil {
					app = test.wrap(app)
				}
				s, client := serveMemory(t, socketsOnly(app), test.options)
				conn, _, err := client.dial("/")
				if err != nil {
					t.Fatal(err)
				}
				if test.provoke != nil {
					test.provoke(conn, s, <-accepted)
				}
				_, _, err = conn.ReadMessage()
				if test.code != 0 && !websocket.IsCloseError(err, test.code) {
					t.Errorf("the client hears %v, want %d", err, test.code)
				}
				conn.Close()
				if got := <-cause; !sameCause(got, test.cause) {
					t.Errorf("the app is told %v, want %v", got, test.cause)
				}
				if err := s.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// sameCause reports whether got is what was wanted, if anything was.
func sameCause(got, want error) bool {
	var bye, wanted *parley.CloseError
	if errors.As(want, &wanted) {
		return errors.As(got, &bye) && bye.Code == wanted.Code
	}
	return want == nil || errors.Is(got, want)
}

// socketsOnly is app, for a server whose start-up it need not know.
func socketsOnly(app parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if scope.Protocol != parley.WebSocket {
			return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
		}
		return app.Serve(ctx, scope, conn)
	})
}

// TestDenialsOverHTTP2: a denial with any status is the client's answer.
func TestDenialsOverHTTP2(t *testing.T) {
	if !extended(t) {
		return
	}
	var status int
	app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		return ws.Deny(ctx, parley.WebSocketDeny{
			Status: status, Header: http.Header{"X-Why": {"full"}}, Body: []byte("because")})
	})
	s, client := serveMemory(t, socketsOnly(app), nethttp.Options{})
	for _, status = range []int{301, 400, 401, 403, 404, 418, 429, 500, 503, 599} {
		answer, err := client.connect("/", http.NoBody)
		if err != nil {
			t.Fatalf("%d: %v", status, err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != status || answer.Header.Get("X-Why") != "full" || string(body) != "because" {
			t.Errorf("%d: answered with %d %v %q, %v", status, answer.StatusCode, answer.Header, body, err)
		}
	}
	for _, status = range []int{200, 204} {
		answer, err := client.connect("/", http.NoBody)
		if err != nil {
			t.Fatalf("%d: %v", status, err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("a denial with %d is answered with %d", status, answer.StatusCode)
		}
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestBackPressureOverHTTP2: flow control holds back a client that the app does not
// hear, and an app whose client does not read; the latter is cut in the end.
func TestBackPressureOverHTTP2(t *testing.T) {
	if !extended(t) {
		return
	}
	synctest.Test(t, func(t *testing.T) {
		hear, ended := make(chan struct{}), make(chan error, 1)
		app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
				return err
			}
			<-hear
			for range 100 {
				if _, err := ws.Read(ctx); err != nil {
					return err
				}
			}
			for {
				if err := ws.Write(ctx, parley.WebSocketSend{Data: make([]byte, 64<<10)}); err != nil {
					ended <- context.Cause(ctx)
					return err
				}
			}
		})
		s, client := serveMemory(t, socketsOnly(app), nethttp.Options{})
		conn, _, err := client.dial("/")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		written := 0
		go func() {
			for range 100 {
				conn.WriteMessage(websocket.BinaryMessage, make([]byte, 64<<10))
				written++
			}
		}()
		synctest.Wait()
		if written < 1 || written == 100 {
			t.Errorf("%d of 100 messages are under way to an app that does not hear", written)
		}
		close(hear)
		if cause := <-ended; !errors.Is(cause, parley.ErrSlowConsumer) {
			t.Errorf("the client that does not read is cut for %v", cause)
		}
		conn.Close()
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestServerDeadlinesOverHTTP2: what a server allows a request to take is not for
// sockets.
func TestServerDeadlinesOverHTTP2(t *testing.T) {
	if !extended(t) {
		return
	}
	synctest.Test(t, func(t *testing.T) {
		s, client := serveMemory(t, socketsOnly(speak),
			nethttp.Options{WebSocket: parley.SocketOptions{PingInterval: -1}},
			func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = time.Minute, time.Minute })
		conn, _, err := client.dial("/")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.ReadMessage()
		time.Sleep(time.Hour)
		conn.WriteMessage(websocket.TextMessage, []byte("still here"))
		if _, data, err := conn.ReadMessage(); string(data) != "still here" || err != nil {
			t.Errorf("said back %q, %v", data, err)
		}
		conn.Close()
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
