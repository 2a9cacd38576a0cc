package parleygin_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// Who looks on sees the pattern of the gin route, as that of any other.
func TestTheRouteIsKnown(t *testing.T) {
	var gateway *nethttp.Gateway
	gateway = nethttp.Handler(parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		for c := range gateway.Conversations() {
			return ws.Write(ctx, parley.Text(c.Route+" "+c.Path))
		}
		return nil
	}))
	engine := gin.New()
	engine.GET("/chat/:room", parleygin.Gateway(gateway))
	server := adaptertest.Serve(t, engine)
	url := "ws" + strings.TrimPrefix(server.URL, "http") + "/chat/go?token=secret"
	ws, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if _, got, err := ws.ReadMessage(); err != nil || string(got) != "/chat/:room /chat/go" {
		t.Errorf("%q, %v", got, err)
	}
}
