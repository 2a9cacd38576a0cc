// Command hello puts an app written in events next to plain net/http handlers,
// on one mux.
//
//	go run ./examples/hello
//	curl http://127.0.0.1:8080/you
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/server"
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
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("hello", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on")
	_ = flags.Parse(args) // exits on an error

	mux := http.NewServeMux()
	mux.Handle("GET /{name}", nethttp.Handler(parley.AppFunc(hello)))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "hello from net/http")
	})
	return server.Run(ctx, nethttp.App(mux), server.Options{Addr: *addr, Serving: func(addr net.Addr) {
		fmt.Fprintf(stdout, "hello: http://%s/\n", addr)
	}})
}
