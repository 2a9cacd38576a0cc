package consumer_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// E11: a drain lets hooks and handlers finish that run, whoever the message is from,
// and what they send arrives before the close.
func TestDrainWaitsForHandlers(t *testing.T) {
	slowly := func(ctx context.Context, conn *consumer.Conn) error {
		time.Sleep(time.Second)
		return conn.SendText(ctx, "done")
	}
	for name, test := range map[string]struct {
		room *room
		act  func(*websocket.Conn, *channel.Layer)
	}{
		"Open": {&room{open: slowly}, func(*websocket.Conn, *channel.Layer) {}},
		"Receive": {&room{receive: func(ctx context.Context, conn *consumer.Conn,
			_ parley.WebSocketReceive) error {
			return slowly(ctx, conn)
		}}, func(client *websocket.Conn, _ *channel.Layer) {
			_ = client.WriteMessage(websocket.TextMessage, []byte("x"))
		}},
		"On": {&room{heard: func(ctx context.Context, conn *consumer.Conn, _ said) error {
			return slowly(ctx, conn)
		}}, func(_ *websocket.Conn, layer *channel.Layer) {
			message := channel.NewMessage("line", []byte("{}"))
			_, _ = layer.GroupSend(context.Background(), "lobby", message)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer := newLayer(t)
				app := consumer.New(test.room.factory, consumer.On("line", (*room).Heard),
					consumer.Options{Layer: layer, Groups: []channel.Group{"lobby"}, Logger: silent})
				gateway := nethttp.Handler(app, nethttp.Options{Logger: silent})
				p := &pipes{make(chan net.Conn), make(chan struct{})}
				server := &http.Server{Handler: gateway}
				go func() { _ = server.Serve(p) }()
				defer server.Close()
				dialer := &websocket.Dialer{NetDialContext: p.dial}
				client, _, err := dialer.Dial("ws://pipe/room", nil)
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				synctest.Wait()
				test.act(client, layer)
				synctest.Wait()
				go func() { _ = gateway.Drain(context.Background()) }()
				_, data, err := client.ReadMessage()
				if string(data) != "done" || err != nil {
					t.Errorf("read %q, %v", data, err)
				}
				var closed *websocket.CloseError
				_, _, err = client.ReadMessage()
				if !errors.As(err, &closed) || closed.Code != int(parley.CloseServiceRestart) {
					t.Errorf("closed with %v", err)
				}
				client.Close()
				_ = gateway.Drain(context.Background())
				if causes := test.room.disconnects(); len(causes) != 1 || causes[0] != parley.ErrDraining {
					t.Errorf("disconnected with %v", causes)
				}
			})
		})
	}
}
