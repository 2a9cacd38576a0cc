//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"

	"github.com/gorilla/websocket"
	"github.com/olahol/melody"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// server is one of those that are compared: all its clients are in one group.
type server struct {
	handler http.Handler
	publish func(data []byte)
	members func() int
}

var servers = map[string]func() server{
	"floor": floor, "kit": kit, "melody": viaMelody, "gorilla": viaGorilla,
}

const (
	coreVariable = "PARLEY_LOAD_CORE"
	digits       = 9 // of the number that a message begins with
)

// serve is the main of a server process, which takes its orders from its standard
// input and ends with it.
func serve(kind string) {
	core, _ := strconv.Atoi(os.Getenv(coreVariable))
	pin(core)
	s := servers[kind]()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(l, s.handler)
	fmt.Println(l.Addr())
	number := 0
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var count, size int
		answer := int64(0)
		switch order := in.Text(); order {
		case "cpu":
			answer = cpuTime()
		case "members":
			answer = int64(s.members())
		case "memory":
			debug.FreeOSMemory()
			answer = resident()
		default:
			fmt.Sscanf(order, "publish %d %d", &count, &size)
			for range count {
				s.publish(fmt.Appendf(nil, "%0*d%*s", digits, number, size-digits, ""))
				number++
			}
		}
		fmt.Println(answer)
	}
}

func cpuTime() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}

type listener struct{}

func kit() server {
	const group channel.Group = "all"
	layer := channel.New(channel.Options{})
	app := consumer.New(func() *listener { return new(listener) },
		consumer.Options{Layer: layer, Groups: []channel.Group{group}}, consumer.Forward("news"))
	return server{
		handler: nethttp.Handler(app, nethttp.Options{
			WebSocket: parley.SocketOptions{PingInterval: -1}, // clients here answer nothing
		}),
		publish: func(data []byte) {
			_, err := layer.GroupSend(context.Background(), group, channel.NewMessage("news", data))
			if err != nil {
				fmt.Fprintln(os.Stderr, "kit:", err)
			}
		},
		members: func() int { return layer.Stats().Members },
	}
}

// viaMelody is the chat of melody's README.
func viaMelody() server {
	m := melody.New()
	return server{
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.HandleRequest(w, r) }),
		publish: func(data []byte) { m.Broadcast(data) },
		members: m.Len,
	}
}

// viaGorilla writes prepared messages in a loop: one slow reader would hold it up.
func viaGorilla() server {
	var upgrader websocket.Upgrader
	var mu sync.Mutex
	var conns []*websocket.Conn
	return server{
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if conn, err := upgrader.Upgrade(w, r, nil); err == nil {
				mu.Lock()
				defer mu.Unlock()
				conns = append(conns, conn)
				go conn.NextReader()
			}
		}),
		publish: func(data []byte) {
			message, _ := websocket.NewPreparedMessage(websocket.TextMessage, data)
			mu.Lock()
			defer mu.Unlock()
			for _, conn := range conns {
				conn.WritePreparedMessage(message)
			}
		},
		members: func() int { mu.Lock(); defer mu.Unlock(); return len(conns) },
	}
}
