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
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/server"
)

// serve is the main of a server process. It ends with its standard input. The kind "run"
// is package server, which a signal ends, too, any other a plain http.Server.
func serve(kind string) {
	mux := http.NewServeMux()
	number := func(path string, get func() int64) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, get()) })
	}
	number("/memory", memory)
	number("/goroutines", func() int64 { return int64(runtime.NumGoroutine()) })
	mux.Handle("/socket", nethttp.Handler(echo))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	if kind == "run" {
		go func() {
			if err := server.Run(context.Background(), nethttp.App(mux), server.Options{
				Logger: slog.New(slog.DiscardHandler), DrainTimeout: time.Minute,
				Listeners: []server.Listener{{Socket: l}}, Serving: func(net.Addr) {},
			}); err != nil {
				fmt.Fprintln(os.Stderr, "server.Run:", err)
			}
			os.Exit(0)
		}()
	} else {
		go http.Serve(l, mux)
	}
	io.Copy(io.Discard, os.Stdin)
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
