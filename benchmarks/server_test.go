//go:build unix

package benchmarks

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/server"
)

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
	if kind == "gin" {
		handler = pings(mux)
	} else {
		mux.Handle("/socket", nethttp.Handler(echo))
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
