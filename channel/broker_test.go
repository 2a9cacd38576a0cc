package channel_test

import (
	"context"
	"testing"

	"github.com/parleygo/parley/channel"
)

// TestBrokerClosesOneOfMany: who leaves a broker takes its own subscriptions along, and
// nobody else's.
func TestBrokerClosesOneOfMany(t *testing.T) {
	var broker channel.Broker
	got := map[string]int{}
	join := func(name string) channel.Transport {
		transport := broker.Connect()
		for _, subject := range []string{"all", name} {
			deliver := func([]byte) { got[name]++ }
			if _, err := transport.Subscribe(t.Context(), subject, deliver); err != nil {
				t.Fatal(err)
			}
		}
		return transport
	}
	stays, leaves := join("stays"), join("leaves")
	if err := leaves.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"all", "stays", "leaves"} {
		if err := stays.Publish(t.Context(), subject, nil); err != nil {
			t.Error(err)
		}
	}
	if got["stays"] != 2 || got["leaves"] != 0 {
		t.Errorf("delivered %v", got)
	}
	if _, err := leaves.Subscribe(context.Background(), "all", func([]byte) {}); err != channel.ErrClosed {
		t.Errorf("subscribed by one that has left: %v", err)
	}
	if err := leaves.Publish(context.Background(), "all", nil); err != channel.ErrClosed {
		t.Errorf("published by one that has left: %v", err)
	}
}
