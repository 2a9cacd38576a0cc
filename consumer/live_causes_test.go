package consumer_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// liveScene is a socket that is open, and is to end.
type liveScene struct {
	client  *websocket.Conn
	gateway *nethttp.Gateway
	layer   *channel.Layer
	expire  func()
}

// liveCauses are ways for it to end.
var liveCauses = []struct {
	name  string
	end   func(*liveScene)
	cause error
}{
	{"peer says goodbye", func(s *liveScene) {
		_ = s.client.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(3001, "done"))
	}, &parley.CloseError{Code: 3001, Reason: "done"}},
	{"peer vanishes", func(s *liveScene) { s.client.Close() }, parley.ErrDisconnected},
	{"peer breaks the rules", func(s *liveScene) {
		_, _ = s.client.NetConn().Write([]byte("\xff\x80\x00\x00\x00\x00"))
	}, parley.ErrPeerProtocol},
	{"drain", func(s *liveScene) { go func() { _ = s.gateway.Drain(context.Background()) }() },
		parley.ErrDraining},
	{"kick", func(s *liveScene) {
		_, _ = s.layer.KickGroup(context.Background(), "lobby", goodbye)
	}, goodbye},
	{"expiry", func(s *liveScene) { s.expire() }, parley.ErrAuthExpired},
}

// What ends a socket is told the same to Disconnect and by the hooks' contexts, each
// time, whatever is faster.
func TestLiveCauses(t *testing.T) {
	times := 50
	if testing.Short() {
		times = 5
	}
	for _, test := range liveCauses {
		t.Run(test.name, func(t *testing.T) {
			for range times {
				kept, told := endLive(t, test.end)
				if told != context.Cause(kept) || !same(told, test.cause) {
					t.Fatalf("disconnected with %v, the context with %v, want %v",
						told, context.Cause(kept), test.cause)
				}
			}
		})
	}
}

// endLive returns the context of hooks, and what Disconnect was told.
func endLive(t *testing.T, end func(*liveScene)) (kept context.Context, told error) {
	s := &liveScene{layer: channel.New(channel.Options{})}
	defer s.layer.Close(context.Background())
	opened, gone := make(chan context.Context, 1), make(chan struct{})
	r := &room{open: func(ctx context.Context, _ *consumer.Conn) error {
		opened <- ctx
		return nil
	}}
	app := consumer.New(r.factory, consumer.Options{
		Layer: s.layer, Groups: []channel.Group{"lobby"}, Logger: silent,
	})
	watched := &scene{}
	s.gateway = nethttp.Handler(watched.expiring(parley.AppFunc(
		func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			err := app.Serve(ctx, scope, conn)
			close(gone)
			return err
		})), nethttp.Options{Logger: silent})
	server := httptest.NewServer(s.gateway)
	defer server.Close()
	client, _, err := websocket.DefaultDialer.Dial("ws"+server.URL[len("http"):], nil)
	if err != nil {
		t.Fatal(err)
	}
	s.client, s.expire = client, func() { watched.expire() }
	kept = <-opened
	end(s)
	<-gone
	client.Close()
	_ = s.gateway.Drain(context.Background())
	if causes := r.disconnects(); len(causes) == 1 {
		return kept, causes[0]
	}
	t.Fatalf("disconnected with %v", r.disconnects())
	return nil, nil
}
