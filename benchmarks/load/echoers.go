//go:build unix

package main

import (
	"context"
	"net/http"

	"github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	"github.com/lxzan/gws"
	"github.com/olahol/melody"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/consumer"
)

// echoers are servers that send back what they get, each as its README has it.
var echoers = map[string]func() server{
	"echo/floor": floorEcho, "echo/kit": kitEcho, "echo/kit-lent": kitEchoLent,
	"echo/consumer": consumerEcho, "echo/consumer-lent": consumerEchoLent,
	"echo/melody": melodyEcho, "echo/gorilla": gorillaEcho,
	"echo/coder": coderEcho, "echo/gws": gwsEcho,
}

func kitEcho() server { return kitEchoing((*parley.Socket).Read) }

// kitEchoLent is done with a message before it reads the next.
func kitEchoLent() server { return kitEchoing((*parley.Socket).ReadLent) }

func kitEchoing(
	read func(*parley.Socket, context.Context) (parley.WebSocketReceive, error),
) server {
	return server{handler: nethttp.Handler(parley.WebSocketFunc(
		func(ctx context.Context, ws *parley.Socket) error {
			if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
				return err
			}
			for {
				message, err := read(ws, ctx)
				if err != nil {
					return err
				}
				answer := parley.WebSocketSend{Type: message.Type, Data: message.Data}
				if err := ws.Write(ctx, answer); err != nil {
					return err
				}
			}
		}), sockets)}
}

type parrot struct{}

func (parrot) ReceiveBinary(ctx context.Context, conn *consumer.Conn, data []byte) error {
	return conn.Send(ctx, parley.Binary(data))
}

func consumerEcho() server { return consumerEchoing(consumer.Options{}) }

func consumerEchoLent() server { return consumerEchoing(consumer.Options{Lend: true}) }

func consumerEchoing(options consumer.Options) server {
	app := consumer.New(func() parrot { return parrot{} }, options)
	return server{handler: nethttp.Handler(app, sockets)}
}

func melodyEcho() server {
	m := melody.New()
	m.Config.MaxMessageSize = 1 << 20
	m.HandleMessageBinary(func(s *melody.Session, message []byte) { s.WriteBinary(message) })
	return server{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.HandleRequest(w, r)
	})}
}

// gorillaEcho is gorilla's example: a loop on the request's goroutine.
func gorillaEcho() server {
	var upgrader gorilla.Upgrader
	return server{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			kind, message, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, message) != nil {
				return
			}
		}
	})}
}

func coderEcho() server {
	return server{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for {
			kind, message, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, message) != nil {
				return
			}
		}
	})}
}

type gwsParrot struct{ gws.BuiltinEventHandler }

func (gwsParrot) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	conn.WriteMessage(message.Opcode, message.Bytes())
}

func gwsEcho() server {
	upgrader := gws.NewUpgrader(gwsParrot{}, &gws.ServerOption{})
	return server{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, err := upgrader.Upgrade(w, r); err == nil {
			go conn.ReadLoop()
		}
	})}
}
