// Command hello puts an app written in events next to plain net/http handlers,
// on one mux.
//
//	go run ./examples/hello
//	curl http://127.0.0.1:8080/you
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// hello is an app: it is told what is known of the request, the scope, and sends
// its response in events.
func hello(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if scope.Protocol != parley.HTTP {
		return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	}
	header := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	if err := conn.Send(ctx, parley.HTTPResponseStart{Status: http.StatusOK, Header: header}); err != nil {
		return err
	}
	if err := conn.Send(ctx, parley.HTTPResponseBody{Body: []byte("hello "), More: true}); err != nil {
		return err
	}
	return conn.Send(ctx, parley.HTTPResponseBody{Body: []byte(scope.PathValue("name") + "\n")})
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("hello", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on")
	_ = flags.Parse(args) // exits on an error

	gateway := nethttp.Handler(parley.AppFunc(hello))
	mux := http.NewServeMux()
	mux.Handle("GET /{name}", gateway)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "hello from net/http")
	})

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "hello: http://%s/\n", listener.Addr())
	return serve(ctx, listener, mux, gateway)
}

// serve serves until ctx ends, and then lets everybody finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, gateway *nethttp.Gateway) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(gateway.Drain(ctx), server.Shutdown(ctx))
}
