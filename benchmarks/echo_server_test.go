//go:build unix

package benchmarks

import (
	"context"
	"net/http"

	"github.com/gorilla/websocket"
	"github.com/olahol/melody"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// echoes are the servers that send back what they get.
var echoes = map[string]func() http.Handler{
	"echo/kit": func() http.Handler { return nethttp.Handler(echo) }, "echo/melody": melodyEcho, "echo/gorilla": gorillaEcho,
}

var echo = parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
	if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	for {
		message, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		if err := ws.Write(ctx, parley.WebSocketSend{Type: message.Type, Data: message.Data}); err != nil {
			return err
		}
	}
})

// melodyEcho is the echo of melody's README.
func melodyEcho() http.Handler {
	m := melody.New()
	m.Config.MaxMessageSize = 1 << 20
	m.HandleMessageBinary(func(s *melody.Session, message []byte) { s.WriteBinary(message) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.HandleRequest(w, r) })
}

// gorillaEcho is gorilla's example: a loop on the request's goroutine.
func gorillaEcho() http.Handler {
	var upgrader websocket.Upgrader
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			t, message, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(t, message) != nil {
				return
			}
		}
	})
}
