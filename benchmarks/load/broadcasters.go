//go:build unix

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"github.com/centrifugal/centrifuge"
	"github.com/gorilla/websocket"
	"github.com/lxzan/gws"
	"github.com/olahol/melody"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// broadcasters are servers whose clients are all members of one group.
var broadcasters = map[string]func() server{
	"floor": floorCrowd, "kit": kitCrowd, "melody": melodyCrowd, "gorilla": gorillaCrowd,
	"gws": gwsCrowd, "centrifuge": centrifugeCrowd,
}

// sockets are the kit's options for clients that answer no pings.
var sockets = nethttp.Options{WebSocket: parley.SocketOptions{PingInterval: -1}}

type listener struct{}

func kitCrowd() server { return kitOver(channel.Options{}) }

func kitOver(options channel.Options) server {
	const group channel.Group = "all"
	options.Logger = silent
	layer := channel.New(options)
	app := consumer.New(func() *listener { return new(listener) },
		consumer.Options{Layer: layer, Groups: []channel.Group{group}}, consumer.Forward("news"))
	var dropped atomic.Int64
	return server{
		handler: nethttp.Handler(app, sockets),
		publish: func(data []byte) {
			result, err := layer.GroupSend(context.Background(), group, channel.NewMessage("news", data))
			if err != nil || result.Matched != result.Enqueued+result.Dropped {
				fmt.Fprintln(os.Stderr, "kit:", result, err)
			}
			dropped.Add(int64(result.Dropped))
		},
		members: func() int { return layer.Stats().Members },
		dropped: func() int { return int(dropped.Load()) },
	}
}

// melodyCrowd is the chat of melody's README.
func melodyCrowd() server {
	m := melody.New()
	return server{
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.HandleRequest(w, r) }),
		publish: func(data []byte) { m.Broadcast(data) },
		members: m.Len,
	}
}

// roster is who is there, for servers that leave that to their users.
type roster[C any] struct {
	mu    sync.Mutex
	conns []C
}

func (r *roster[C]) add(conn C) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns = append(r.conns, conn)
}

func (r *roster[C]) each(do func(C)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range r.conns {
		do(conn)
	}
}

func (r *roster[C]) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.conns)
}

// gorillaCrowd writes prepared messages in a loop: one slow reader would hold it up.
func gorillaCrowd() server {
	var upgrader websocket.Upgrader
	var all roster[*websocket.Conn]
	return server{
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if conn, err := upgrader.Upgrade(w, r, nil); err == nil {
				all.add(conn)
				go conn.NextReader()
			}
		}),
		publish: func(data []byte) {
			message, _ := websocket.NewPreparedMessage(websocket.TextMessage, data)
			all.each(func(conn *websocket.Conn) { conn.WritePreparedMessage(message) })
		},
		members: all.len,
	}
}

// gwsCrowd is the broadcast of the README of gws.
func gwsCrowd() server {
	var all roster[*gws.Conn]
	upgrader := gws.NewUpgrader(gws.BuiltinEventHandler{}, &gws.ServerOption{})
	return server{
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if conn, err := upgrader.Upgrade(w, r); err == nil {
				all.add(conn)
				go conn.ReadLoop()
			}
		}),
		publish: func(data []byte) {
			message := gws.NewBroadcaster(gws.OpcodeText, data)
			defer message.Close()
			all.each(func(conn *gws.Conn) { message.Broadcast(conn) })
		},
		members: all.len,
	}
}

func centrifugeCrowd() server { return centrifugeOver(func(*centrifuge.Node) {}) }

// centrifugeOver subscribes its clients by itself, and has no pings, which clients
// here would not answer.
func centrifugeOver(broker func(*centrifuge.Node)) server {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		panic(err)
	}
	broker(node)
	var members atomic.Int64
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials:   &centrifuge.Credentials{},
			Subscriptions: map[string]centrifuge.SubscribeOptions{"all": {}},
		}, nil
	})
	node.OnConnect(func(*centrifuge.Client) { members.Add(1) })
	if err := node.Run(); err != nil {
		panic(err)
	}
	return server{
		handler: centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
			PingPongConfig: centrifuge.PingPongConfig{PingInterval: -1},
		}),
		publish: func(data []byte) { node.Publish("all", data) },
		members: func() int { return int(members.Load()) },
	}
}
