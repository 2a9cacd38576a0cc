// Command blocking shows what the bridge is for: an HTTP service over a C library whose
// slow queries block threads.
//
// It first sends the same load of slow queries down both ways, each from a goroutine of its own,
// and prints how many OS threads that took: once calling the library directly, once through the
// bridge. With 20 000 queries of two seconds the direct way kills the process (-way naive -calls
// 20000 -slow 2s); the bridge takes its time. Then, with -addr, it serves GET /query, over the
// bridge, until it is interrupted:
//
//	go run ./examples/blocking -addr 127.0.0.1:8080
//	curl http://127.0.0.1:8080/query
//
// The library is SQLite, through cgo. Built without cgo, it says so and blocks in a system call
// instead.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/server"
)

// backend is what blocks.
type backend struct {
	name  string
	query func(ctx context.Context, d time.Duration) (string, error) // takes about d, holding a thread
	close func() error
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to serve on in the end; empty: none")
	calls := flag.Int("calls", 400, "slow queries at once")
	capacity := flag.Int("capacity", 16, "queries the bridge lets block at once")
	slow := flag.Duration("slow", 50*time.Millisecond, "how long a query blocks")
	way := flag.String("way", "both", "compare both, or only run the bridged or the naive way")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Stdout, *addr, load{*calls, *capacity, *slow, *way}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, addr string, l load) (err error) {
	back, err := openBackend()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back.close()) }()
	b, err := bridge.New(bridge.Options{Capacity: l.capacity})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close(context.Background())) }()

	fmt.Fprintf(out, "%d queries at once, each blocking in %s for %v\n", l.calls, back.name, l.slow)
	// The bridge goes first: threads that the direct way starts stay, and would be counted for the
	// bridge.
	if err := l.compare(bridge.With(ctx, b), out, back); err != nil || addr == "" {
		return err
	}
	return serve(bridge.With(ctx, b), out, addr, back, l.slow)
}

// serve answers until ctx ends, and then lets the requests it has begun finish.
func serve(
	ctx context.Context, out io.Writer, addr string, back backend, slow time.Duration,
) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /query", func(w http.ResponseWriter, r *http.Request) {
		ctx := bridge.With(r.Context(), bridge.From(ctx))
		answer, err := bridge.Call(ctx, back.query, slow, bridge.Pooled())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, answer)
	})
	return server.Run(ctx, nethttp.App(mux), server.Options{
		Addr:    addr,
		Signals: []os.Signal{}, // main has had them end ctx from the beginning
		Serving: func(addr net.Addr) {
			fmt.Fprintf(out, "serving http://%s/query; interrupt to stop\n", addr)
		},
	})
}
