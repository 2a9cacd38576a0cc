package consumer_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// pipes is a listener in memory. Its connections hold nothing: what one end
// writes waits until the other reads.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve serves app on pipes and returns what dials it.
func serve(t testing.TB, app parley.App, list ...nethttp.Options) *websocket.Dialer {
	t.Helper()
	p := &pipes{make(chan net.Conn), make(chan struct{})}
	options := append(list, nethttp.Options{})[0]
	options.InsecureSkipOriginCheck, options.Logger = true, silent
	gateway := nethttp.Handler(app, options)
	server := &http.Server{Handler: gateway}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(p) }()
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = gateway.Drain(ended) // cuts the sockets
		_ = gateway.Drain(context.Background())
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return &websocket.Dialer{NetDialContext: p.dial, ReadBufferSize: 4096, WriteBufferSize: 1024}
}

func join(t testing.TB, dialer *websocket.Dialer) *websocket.Conn {
	t.Helper()
	client, response, err := dialer.Dial("ws://pipe/room", nil)
	if err != nil {
		t.Fatal(err, response)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// serveTCP serves app on a real port and returns its address.
func serveTCP(t testing.TB, app parley.App, sockets ...parley.SocketOptions) string {
	t.Helper()
	gateway := nethttp.Handler(app, nethttp.Options{
		InsecureSkipOriginCheck: true, Logger: silent,
		WebSocket: append(sockets, parley.SocketOptions{})[0],
	})
	server := httptest.NewUnstartedServer(gateway)
	server.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		_ = conn.(*net.TCPConn).SetWriteBuffer(8 << 10) // a client that does not read is soon noticed
		return ctx
	}
	server.Start()
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = gateway.Drain(ended)
		_ = gateway.Drain(context.Background())
		server.Close()
	})
	return strings.TrimPrefix(server.URL, "http://")
}
