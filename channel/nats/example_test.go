package nats_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/channel/nats/embedded"
)

// Two layers, which would be two processes, over a server inside the program.
func Example() {
	ctx := context.Background()
	quiet := slog.New(slog.DiscardHandler)
	server, err := embedded.New(embedded.Options{Logger: quiet})
	if err != nil {
		panic(err)
	}
	defer server.Close()
	layer := func() *channel.Layer {
		transport, err := nats.New(nats.Options{InProcess: server, Logger: quiet})
		if err != nil {
			panic(err)
		}
		return channel.New(channel.Options{
			Transport: transport,
			History:   []channel.HistoryRule{{Pattern: "room.*"}},
		})
	}
	here, there := layer(), layer()
	defer here.Close(ctx)
	defer there.Close(ctx)

	for _, text := range []string{"hello", "is anybody there?"} {
		if _, err := here.GroupSend(ctx, "room.1", channel.NewMessage("line", []byte(text))); err != nil {
			panic(err)
		}
	}
	inbox, err := there.Open(ctx, channel.InboxOptions{})
	if err != nil {
		panic(err)
	}
	err = inbox.Resume(ctx, "room.1", channel.Position{}, func(missed channel.Resumed) error {
		for _, message := range missed.Messages {
			fmt.Println("missed:", string(message.Payload()))
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	if _, err := here.GroupSend(ctx, "room.1", channel.NewMessage("line", []byte("yes"))); err != nil {
		panic(err)
	}
	message, err := inbox.Receive(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(message.Payload()))
	// Output:
	// missed: hello
	// missed: is anybody there?
	// yes
}
