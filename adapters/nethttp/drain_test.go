package nethttp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// drainCases are HTTP apps that wait for the end, and what their client sees of
// it.
var drainCases = []struct {
	name string
	app  func(ctx context.Context, conn parley.Conn, waiting func()) error
	want adaptertest.Response
}{
	{"stream", func(ctx context.Context, conn parley.Conn, waiting func()) error {
		sendAll(ctx, conn, parley.HTTPResponseStart{Status: 200},
			parley.HTTPResponseBody{Body: []byte("part"), More: true})
		waiting()
		<-ctx.Done()
		return ctx.Err()
	}, adaptertest.Response{Status: 200, Body: "part", Cut: true}},
	{"stream that says goodbye", func(ctx context.Context, conn parley.Conn, waiting func()) error {
		sendAll(ctx, conn, parley.HTTPResponseStart{Status: 200},
			parley.HTTPResponseBody{Body: []byte("part, "), More: true})
		waiting()
		<-ctx.Done()
		if err := conn.Send(ctx, parley.HTTPResponseBody{}); err != parley.ErrDraining {
			return fmt.Errorf("sent under a context that has ended: %v", err)
		}
		return sendAll(context.WithoutCancel(ctx), conn, parley.HTTPResponseBody{Body: []byte("goodbye")})
	}, adaptertest.Response{Status: 200, Body: "part, goodbye"}},
	{"busy with something else", func(ctx context.Context, conn parley.Conn, waiting func()) error {
		waiting()
		<-ctx.Done()
		return ctx.Err()
	}, adaptertest.Response{Status: 503, Body: "Service Unavailable\n"}},
	{"long poll that only receives", func(ctx context.Context, conn parley.Conn,
		waiting func()) error {
		conn.Receive(ctx)
		waiting()
		event, err := conn.Receive(ctx)
		if event != (parley.HTTPDisconnect{Cause: parley.ErrDraining}) {
			return fmt.Errorf("received %v, %v", event, err)
		}
		return nil
	}, adaptertest.Response{Status: 503, Body: "Service Unavailable\n"}},
}

// TestC18DrainEndsStreams: apps that wait hear of it by their context, and Drain
// returns when they have.
func TestC18DrainEndsStreams(t *testing.T) {
	for _, c := range drainCases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				waiting, cause := make(chan struct{}), make(chan error, 1)
				g := nethttp.Handler(httpApp(func(ctx context.Context, conn parley.Conn) error {
					defer func() { cause <- context.Cause(ctx) }()
					return c.app(ctx, conn, func() { close(waiting) })
				}), nethttp.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
				client := adaptertest.ServeInBubble(t, g).Dial()
				client.Say("%s", getting("/"))
				drained := make(chan error)
				go func() {
					<-waiting
					synctest.Wait()
					drained <- drain(g)
				}()
				got := client.Response("GET")
				if got.Status != c.want.Status || got.Body != c.want.Body || got.Cut != c.want.Cut {
					t.Errorf("the client saw %+v, want %+v", got, c.want)
				}
				if err := <-drained; err != nil {
					t.Errorf("Drain returns %v", err)
				}
				if err := <-cause; err != parley.ErrDraining {
					t.Errorf("the context ended with %v", err)
				}
				if stats := g.Stats(); stats.Live != 0 || stats.Requests != 0 || !stats.Draining {
					t.Errorf("after: %+v", stats)
				}
				if log.Len() > 0 {
					t.Errorf("logged %s", log.String())
				}
			})
		})
	}
}

// TestC18DrainLetsRequestsFinish: a request that looks at its context has some
// seconds left, and a stream that begins only now has none.
func TestC18DrainLetsRequestsFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gateway(parley.AppFunc(func(
			ctx context.Context, scope *parley.Scope, conn parley.Conn,
		) error {
			if scope.Request.URL.Path == "/stream" {
				err := sendAll(ctx, conn, parley.HTTPResponseStart{Status: 200},
					parley.HTTPResponseBody{More: true})
				<-ctx.Done()
				return errors.Join(err, ctx.Err())
			}
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(3 * time.Second):
				return respond(ctx, conn, "worked")
			}
		}))
		server := adaptertest.ServeInBubble(t, g)
		client, late := server.Dial(), server.Dial()
		client.Say("%s", getting("/work"))
		synctest.Wait()
		drained := make(chan error)
		begun := time.Now()
		go func() { drained <- drain(g) }()
		synctest.Wait()
		late.Say("%s", getting("/stream"))
		if got := late.Response("GET"); got.Status != 200 || !got.Cut || time.Since(begun) != 0 {
			t.Errorf("after %v the stream ended with %+v", time.Since(begun), got)
		}
		if got := client.Response("GET"); got.Body != "worked" {
			t.Errorf("the request was answered %+v", got)
		}
		if err := <-drained; err != nil || time.Since(begun) != 3*time.Second {
			t.Errorf("after %v Drain returned %v", time.Since(begun), err)
		}
	})
}

// drain drains with all the time in the world.
func drain(g *nethttp.Gateway) error {
	ctx, cancel := context.WithTimeout(context.Background(), adaptertest.Patience)
	defer cancel()
	return g.Drain(ctx)
}

// sockets opens n sockets, with their accepts read.
func sockets(t *testing.T, server *adaptertest.Server, n int) []*websocket.Conn {
	t.Helper()
	conns := make([]*websocket.Conn, n)
	for i := range conns {
		conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.SetReadDeadline(time.Now().Add(adaptertest.Patience))
		conns[i] = conn
	}
	return conns
}

// TestC18DrainClosesSockets with 1012.
func TestC18DrainClosesSockets(t *testing.T) {
	const many = 12
	causes := make(chan error, many)
	g := gateway(parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		if err := ws.Write(ctx, parley.Text("hello")); err != nil {
			return err
		}
		_, err := ws.Read(ctx)
		causes <- context.Cause(ctx)
		return err
	}))
	server := adaptertest.Serve(t, g)
	conns := sockets(t, server, many)
	for _, conn := range conns {
		if _, message, err := conn.ReadMessage(); string(message) != "hello" {
			t.Fatalf("received %q, %v", message, err)
		}
	}
	drained := make(chan error, 1)
	go func() { drained <- drain(g) }()
	for _, conn := range conns {
		if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, 1012) {
			t.Errorf("the socket ended with %v", err)
		}
		conn.Close()
		if err := adaptertest.Await(t, causes, "an app"); err != parley.ErrDraining {
			t.Errorf("a context ended with %v", err)
		}
	}
	if err := adaptertest.Await(t, drained, "Drain"); err != nil {
		t.Errorf("Drain returns %v", err)
	}
	refused := server.Exchange(getting("/", upgrade...), "")
	if !strings.HasPrefix(refused, "HTTP/1.1 503 ") || !strings.Contains(refused, "Retry-After: ") {
		t.Errorf("a new handshake is answered %q", refused)
	}
	if err := drain(g); err != nil {
		t.Errorf("another Drain returns %v", err)
	}
}

// TestC18DrainAnswersPendingHandshakes that no app has answered yet.
func TestC18DrainAnswersPendingHandshakes(t *testing.T) {
	called := make(chan struct{})
	g := gateway(parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		close(called)
		<-ctx.Done()
		if err := ws.Accept(context.WithoutCancel(ctx),
			parley.WebSocketAccept{}); err != parley.ErrDisconnected {
			t.Errorf("Accept returns %v", err)
		}
		return context.Cause(ctx)
	}))
	client := adaptertest.Serve(t, g).Dial()
	client.Say("%s", getting("/", upgrade...))
	adaptertest.Await(t, called, "the app")
	if err := drain(g); err != nil {
		t.Errorf("Drain returns %v", err)
	}
	if got := client.Response("GET"); got.Status != http.StatusServiceUnavailable {
		t.Errorf("the handshake was answered %+v", got)
	}
}

// TestC18DrainEndsWithItsContext: apps that don't care are left behind, and their
// sockets cut.
func TestC18DrainEndsWithItsContext(t *testing.T) {
	accepted, release := make(chan struct{}), make(chan struct{})
	ignoring := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		if err := sendAll(ctx, conn, parley.WebSocketAccept{}); err != nil {
			return err
		}
		close(accepted)
		<-release
		return nil
	})
	g := gateway(ignoring)
	conn := sockets(t, adaptertest.Serve(t, g), 1)[0]
	adaptertest.Await(t, accepted, "the app")
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(enough)
	if err := g.Drain(ctx); err != enough {
		t.Errorf("Drain returns %v", err)
	}
	if _, _, err := conn.ReadMessage(); err == nil {
		t.Error("the socket lives")
	}
	if stats := g.Stats(); stats.Live != 1 || stats.WebSockets != 1 {
		t.Errorf("left behind: %+v", stats)
	}
	close(release)
	if err := drain(g); err != nil {
		t.Errorf("at last, Drain returns %v", err)
	}
}

// TestDrainTellsLateComers: an app that comes to wait for its end when a drain is
// over, or under way, is told when its time is over, and not before.
func TestDrainTellsLateComers(t *testing.T) {
	for _, work := range []time.Duration{0, time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			began, told := time.Now(), time.Time{}
			g := gateway(httpApp(func(ctx context.Context, conn parley.Conn) error {
				time.Sleep(work)
				<-ctx.Done()
				told = time.Now()
				return context.Cause(ctx)
			}))
			client := adaptertest.ServeInBubble(t, g).Dial()
			client.Say("%s", getting("/"))
			if err := g.Drain(t.Context()); err != nil {
				t.Error(err)
			}
			if answer := client.Response("GET"); answer.Status != 503 {
				t.Errorf("%+v", answer)
			}
			synctest.Wait()
			if got, want := told.Sub(began), max(work, 5*time.Second); got != want {
				t.Errorf("told after %v, want %v", got, want)
			}
		})
	}
}
