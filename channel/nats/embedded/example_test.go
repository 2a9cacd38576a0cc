package embedded_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/channel/nats/embedded"
)

// A server for other programs too, with a limit of nats-server's own.
func Example() {
	quiet := slog.New(slog.DiscardHandler)
	s, err := embedded.New(embedded.Options{
		Listen:    "127.0.0.1:0",
		Logger:    quiet,
		Configure: func(o *server.Options) { o.MaxConn = 100 },
	})
	if err != nil {
		panic(err)
	}
	defer s.Close()
	transport, err := nats.New(nats.Options{Servers: []string{s.URL()}, Logger: quiet})
	if err != nil {
		panic(err)
	}
	fmt.Println(transport.Publish(context.Background(), "parley.group.room", nil))
	fmt.Println(transport.Close(context.Background()))
	// Output:
	// <nil>
	// <nil>
}
