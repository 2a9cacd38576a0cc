package nethttp_test

import (
	"context"
	"net/http"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
)

var echo = parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
	if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	for {
		message, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		if err := ws.Write(ctx, parley.WebSocketSend{Type: message.Type,
			Data: message.Data}); err != nil {
			return err
		}
	}
})

// gorillaEcho is gorilla's example: a loop on the request's goroutine.
func gorillaEcho() http.Handler { return gorillaServer(websocket.Upgrader{}) }

// gorillaOpen lets pages of all sites in.
func gorillaOpen() http.Handler {
	return gorillaServer(websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }})
}

func gorillaServer(upgrader websocket.Upgrader) http.Handler {
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
