// Command echo says back whatever a WebSocket client says.
//
//	go run ./examples/echo
//
// Clients that are no browsers send no Origin and may connect; a page of another
// site may not.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/server"
)

func echo(ctx context.Context, ws *parley.Socket) error {
	if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	for {
		message, err := ws.Read(ctx)
		if err != nil {
			return err // the peer left: a clean end
		}
		if err := ws.Write(ctx, parley.WebSocketSend{Type: message.Type, Data: message.Data}); err != nil {
			return err
		}
	}
}

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("echo", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on")
	_ = flags.Parse(args) // exits on an error

	return server.Run(ctx, parley.WebSocketFunc(echo), server.Options{Addr: *addr, Serving: func(addr net.Addr) {
		fmt.Fprintf(stdout, "echo: ws://%s/\n", addr)
	}})
}
