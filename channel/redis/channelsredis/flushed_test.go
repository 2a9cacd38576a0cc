package channelsredis

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestFlushed: a host that was flushed, or has let go of a group, has whoever is in it
// again when that is renewed, and they are told.
func TestFlushed(t *testing.T) {
	server := servicetest.StartRedis(t)
	transport, err := Core(Options{Hosts: []string{"redis://" + server.Addr},
		GroupExpiry: 12 * time.Second, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	layer := channel.New(channel.Options{Transport: transport})
	t.Cleanup(func() {
		if err := layer.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	inbox, err := layer.Open(t.Context(), channel.InboxOptions{})
	if err == nil {
		err = inbox.Join(t.Context(), "room")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"FLUSHALL"}, {"DEL", "asgi:group:room"}} {
		server.Must(command...)
		message, err := inbox.Receive(t.Context())
		if err != nil || message.Type() != channel.TypeResync {
			t.Fatalf("%v, %v", message, err)
		}
		if answer := server.Must("ZCARD", "asgi:group:room"); answer != ":1" {
			t.Errorf("%s are in the group", answer)
		}
	}
}
