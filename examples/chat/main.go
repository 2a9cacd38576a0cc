// Command chat is a gin project with rooms to talk in: open its page in two
// browser tabs.
//
//	go run ./examples/chat
package main

import (
	"context"
	_ "embed"
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

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
)

//go:embed index.html
var page []byte

func main() {
	gin.SetMode(gin.ReleaseMode)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("chat", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on")
	_ = flags.Parse(args) // exits on an error

	chat := &rooms{layer: channel.New(channel.Options{})}
	gateway := nethttp.Handler(parley.WebSocketFunc(chat.serve), nethttp.Hold(),
		nethttp.WebSockets(nethttp.Sockets{MaxMessage: 16 << 10}))

	r := gin.Default()
	r.GET("/", func(c *gin.Context) { c.Data(http.StatusOK, "text/html; charset=utf-8", page) })
	r.GET("/rooms/:room", parleygin.Gateway(gateway))

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "chat: http://%s/\n", listener.Addr())
	return serve(ctx, listener, r, gateway)
}

// serve serves until ctx ends, and then says goodbye to every socket.
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
