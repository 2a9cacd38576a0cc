package parleygin_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"
	"github.com/olahol/melody"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/parleytest"
)

// socketEngine is an engine with sockets of every kind. They echo, and end after "hi".
func socketEngine() *gin.Engine {
	engine := gin.New()
	engine.Use(gin.Recovery())
	engine.GET("/parley", parleygin.Handler(parley.WebSocketFunc(parleyEcho)))
	engine.GET("/gorilla", gorillaEcho)
	m := melody.New()
	m.Upgrader.Subprotocols = []string{"v1"}
	m.HandleMessage(func(s *melody.Session, message []byte) {
		if s.Write(message); string(message) == "hi" {
			s.CloseWithMsg(melody.FormatCloseMessage(4001, "bye"))
		}
	})
	engine.GET("/melody", func(c *gin.Context) { m.HandleRequest(c.Writer, c.Request) })
	return engine
}

func parleyEcho(ctx context.Context, ws *parley.Socket) error {
	err := ws.Accept(ctx, parley.WebSocketAccept{Subprotocol: "v1"})
	for err == nil {
		var message parley.WebSocketReceive
		if message, err = ws.Read(ctx); err != nil {
			break
		}
		if err = ws.Write(ctx, parley.Text(message.Text())); message.Text() == "hi" {
			return ws.Close(ctx, 4001, "bye")
		}
	}
	return err
}

func gorillaEcho(c *gin.Context) {
	upgrader := websocket.Upgrader{Subprotocols: []string{"v1"}}
	conn, err := upgrader.Upgrade(c.Writer, c.Request, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for err == nil {
		kind, message, readErr := conn.ReadMessage()
		if readErr != nil {
			return
		}
		if err = conn.WriteMessage(kind, message); string(message) == "hi" {
			conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4001, "bye"))
		}
	}
}

var socketRoutes = []string{"/parley", "/gorilla", "/melody"}

// TestSocketRoutesInATest: the sockets of a whole engine are driven without a network.
func TestSocketRoutesInATest(t *testing.T) {
	for _, path := range socketRoutes {
		t.Run(path, func(t *testing.T) {
			request := httptest.NewRequest("GET", path, nil)
			socket := parleytest.Dial(t, parleygin.App(socketEngine()), request, "v1", "v2")
			if accept := socket.Accept(); accept.Subprotocol != "v1" {
				t.Errorf("speaks %q", accept.Subprotocol)
			}
			for _, text := range []string{strings.Repeat("long", 100), "hi"} {
				socket.Send(parley.Text(text))
				if got := socket.Receive().Text(); got != text {
					t.Errorf("got %q", got)
				}
			}
			if code, reason := socket.Closed(); code != 4001 || reason != "bye" {
				t.Errorf("closed with %d %q", code, reason)
			}
		})
	}
}

// TestSocketRoutesBelowWrappedConns: a whole engine with sockets stands below
// middleware that wraps the conn.
func TestSocketRoutesBelowWrappedConns(t *testing.T) {
	for _, path := range socketRoutes {
		t.Run(path, func(t *testing.T) {
			h := nethttp.Handler(parley.Chain(parleygin.App(socketEngine()), wrapping))
			got := visit(t, h, path, nil)
			echoed := slices.Equal(got.messages, []string{"hi"})
			if got.subprotocol != "v1" || !echoed || got.closed != "4001 bye" {
				t.Errorf("saw %+v", got)
			}
		})
	}
}
