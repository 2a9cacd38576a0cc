//go:build unix

package benchmarks

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/gin-gonic/gin"
	"github.com/olahol/melody"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/server"
)

// A broadcaster is a server whose clients are all members of one group.
type broadcaster struct {
	handler http.Handler
	publish func(data []byte)
	members func() int
}

var broadcasters = map[string]func() broadcaster{"kit": kit, "melody": viaMelody, "centrifuge": viaCentrifuge}

type listener struct{}

func kit() broadcaster {
	const group channel.Group = "all"
	layer := channel.New(channel.Options{})
	app := consumer.New(func() *listener { return new(listener) },
		consumer.Options{Layer: layer, Groups: []channel.Group{group}}, consumer.Forward("news"))
	return broadcaster{
		handler: nethttp.Handler(app),
		publish: func(data []byte) {
			result, err := layer.GroupSend(context.Background(), group, channel.NewMessage("news", data))
			if err != nil || result.Dropped > 0 {
				fmt.Fprintln(os.Stderr, "kit:", result, err)
			}
		},
		members: func() int { return len(layer.Members(group)) },
	}
}

func viaMelody() broadcaster {
	m := melody.New()
	return broadcaster{
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.HandleRequest(w, r) }),
		publish: func(data []byte) { m.Broadcast(data) },
		members: m.Len,
	}
}

func viaCentrifuge() broadcaster {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		panic(err)
	}
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
	handler := centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{CheckOrigin: func(*http.Request) bool { return true }})
	return broadcaster{
		handler: handler,
		publish: func(data []byte) { node.Publish("all", data) },
		members: func() int { return int(members.Load()) },
	}
}

// serve is the main of a server process. It ends with its standard input. A kind that
// begins with "run:" is served by package server, which a signal ends, too, one with
// "bounded:" by a plain http.Server with package server's limits of time.
func serve(kind string) {
	kind, run := strings.CutPrefix(kind, "run:")
	kind, bounded := strings.CutPrefix(kind, "bounded:")
	mux := http.NewServeMux()
	number := func(path string, get func() int64) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, get()) })
	}
	number("/cpu", func() int64 { return cpuTime().Nanoseconds() })
	number("/memory", memory)
	number("/goroutines", func() int64 { return int64(runtime.NumGoroutine()) })
	var handler http.Handler = mux
	if echo, ok := echoes[kind]; ok {
		mux.Handle("/socket", echo())
	} else if kind == "gin" {
		handler = pings(mux)
	} else {
		b := broadcasters[kind]()
		mux.Handle("/socket", b.handler)
		number("/members", func() int64 { return int64(b.members()) })
		mux.HandleFunc("/publish", func(w http.ResponseWriter, r *http.Request) {
			count, _ := strconv.Atoi(r.FormValue("count"))
			size, _ := strconv.Atoi(r.FormValue("size"))
			for i := range count {
				b.publish(news(i, size))
			}
		})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	if run {
		go func() {
			if err := server.Run(context.Background(), nethttp.App(handler), server.Options{
				Logger: slog.New(slog.DiscardHandler), DrainTimeout: time.Minute,
				Listeners: []server.Listener{{Socket: l}}, Serving: func(net.Addr) {},
			}); err != nil {
				fmt.Fprintln(os.Stderr, "server.Run:", err)
			}
			os.Exit(0)
		}()
	} else {
		plain := &http.Server{Handler: handler}
		if bounded {
			plain.ReadHeaderTimeout, plain.IdleTimeout = 10*time.Second, 2*time.Minute
		}
		go plain.Serve(l)
	}
	io.Copy(io.Discard, os.Stdin)
}

// pings is a gin project with one route, and whatever else there is beside it.
func pings(others http.Handler) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/ping/:name", func(c *gin.Context) { c.String(http.StatusOK, "pong "+c.Param("name")) })
	engine.NoRoute(func(c *gin.Context) {
		c.Status(http.StatusOK)
		others.ServeHTTP(c.Writer, c.Request)
	})
	return engine
}

// news is message number i: JSON, since that is what centrifuge's clients expect,
// with its number and the time of its publication.
func news(i, size int) []byte {
	b := fmt.Appendf(make([]byte, 0, size), `"@%08d%019d`, i, time.Now().UnixNano())
	b = append(b, bytes.Repeat([]byte{'x'}, max(0, size-len(b)-1))...)
	return append(b, '"')
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func memory() int64 {
	for range 3 {
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapInuse + stats.StackInuse)
}
