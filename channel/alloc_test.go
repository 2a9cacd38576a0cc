package channel_test

import (
	"testing"

	"github.com/parleygo/parley/channel"
)

// A broadcast costs the hub the same few allocations however many members there are,
// and a message that is read costs nothing more.
func TestAllocGroupSend(t *testing.T) {
	sink := channel.InboxOptions{
		Deliver: func(channel.Message) channel.Verdict { return channel.Accepted },
	}
	queue := channel.InboxOptions{Policy: channel.DropOldest}
	for _, test := range []struct {
		name    string
		members int
		options channel.InboxOptions
		want    float64
	}{
		{"to nobody", 0, sink, 0}, {"to a sink", 1, sink, 0}, {"to many sinks", 1000, sink, 0},
		{"to a queue", 1, queue, 0}, {"to many queues", 1000, queue, 0},
	} {
		layer := channel.New(channel.Options{Capacity: channel.Capacity{Messages: 8}})
		defer layer.Close(ctx)
		for range test.members {
			inbox, err := layer.Open(ctx, test.options)
			if err != nil {
				t.Fatal(err)
			}
			if err := inbox.Join(ctx, "crowd"); err != nil {
				t.Fatal(err)
			}
		}
		message := channel.NewMessage("news", make([]byte, 128))
		for range 16 { // until queues are full
			layer.GroupSend(ctx, "crowd", message)
		}
		got := testing.AllocsPerRun(100, func() { layer.GroupSend(ctx, "crowd", message) })
		if got != test.want {
			t.Errorf("%s: %v allocations, want %v", test.name, got, test.want)
		}
	}
}
