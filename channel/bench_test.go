package channel_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/parleygo/parley/channel"
)

// A broadcast to sinks: what the hub itself costs per socket.
func BenchmarkGroupSendSinks(b *testing.B) {
	for _, members := range []int{1, 100, 1000, 20_000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			layer := channel.New(channel.Options{})
			defer layer.Close(ctx)
			sink := func(channel.Message) channel.Verdict { return channel.Accepted }
			crowd(b, layer, members, channel.InboxOptions{Deliver: sink})
			broadcast(b, layer, members)
		})
	}
}

// A broadcast to queues that nobody reads: the newest message stays.
func BenchmarkGroupSendQueues(b *testing.B) {
	for _, members := range []int{1, 100, 1000, 20_000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			layer := channel.New(channel.Options{Capacity: channel.Capacity{Messages: 8}})
			defer layer.Close(ctx)
			crowd(b, layer, members, channel.InboxOptions{Policy: channel.DropOldest})
			broadcast(b, layer, members)
		})
	}
}

func crowd(b *testing.B, layer *channel.Layer, members int, options channel.InboxOptions) {
	for range members {
		inbox, err := layer.Open(ctx, options)
		if err != nil {
			b.Fatal(err)
		}
		if err := inbox.Join(ctx, "crowd"); err != nil {
			b.Fatal(err)
		}
	}
}

func broadcast(b *testing.B, layer *channel.Layer, members int) {
	message := channel.NewMessage("bench", make([]byte, 128))
	b.ReportAllocs()
	for b.Loop() {
		if result, err := layer.GroupSend(ctx, "crowd", message); err != nil ||
			result.Enqueued != members {
			b.Fatal(result, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(members), "ns/delivery")
}

// A broadcast to a group that is kept in memory.
func BenchmarkKeptGroupSend(b *testing.B) {
	for _, members := range []int{1, 1000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			layer := channel.New(channel.Options{History: []channel.HistoryRule{{Pattern: "crowd"}}})
			defer layer.Close(ctx)
			sink := func(channel.Message) channel.Verdict { return channel.Accepted }
			crowd(b, layer, members, channel.InboxOptions{Deliver: sink})
			broadcast(b, layer, members)
		})
	}
}

// Coming back after 1000 messages, over a broker in this process.
func BenchmarkResume(b *testing.B) {
	var broker channel.Broker
	layer := channel.New(channel.Options{Transport: broker.Connect(),
		History: []channel.HistoryRule{{Pattern: "crowd"}}})
	defer layer.Close(ctx)
	message := channel.NewMessage("bench", make([]byte, 128))
	for range 1000 {
		if _, err := layer.GroupSend(ctx, "crowd", message); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		inbox, err := layer.Open(ctx, channel.InboxOptions{})
		if err != nil {
			b.Fatal(err)
		}
		if err := inbox.Resume(ctx, "crowd", channel.Position{}, func(r channel.Resumed) error {
			if len(r.Messages) != 1000 {
				b.Fatal(len(r.Messages))
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		inbox.Close()
	}
}

// Joining and leaving a group that holds this many others, and a send in between.
func BenchmarkJoinLeave(b *testing.B) {
	for _, members := range []int{0, 100, 20_000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			layer := channel.New(channel.Options{})
			defer layer.Close(ctx)
			crowd(b, layer, members, channel.InboxOptions{})
			inbox, _ := layer.Open(ctx, channel.InboxOptions{})
			b.ReportAllocs()
			for b.Loop() {
				if err := inbox.Join(ctx, "crowd"); err != nil {
					b.Fatal(err)
				}
				inbox.Leave("crowd")
			}
		})
	}
}

func BenchmarkSendReceive(b *testing.B) {
	layer := channel.New(channel.Options{})
	defer layer.Close(ctx)
	inbox, _ := layer.Open(ctx, channel.InboxOptions{})
	message := channel.NewMessage("bench", make([]byte, 128))
	b.ReportAllocs()
	for b.Loop() {
		if err := layer.Send(ctx, inbox.Name(), message); err != nil {
			b.Fatal(err)
		}
		if _, err := inbox.Receive(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// A broadcast while the group changes before every send.
func BenchmarkGroupSendChurn(b *testing.B) {
	for _, members := range []int{1000, 20_000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			layer := channel.New(channel.Options{})
			defer layer.Close(ctx)
			sink := func(channel.Message) channel.Verdict { return channel.Accepted }
			crowd(b, layer, members, channel.InboxOptions{Deliver: sink})
			inbox, _ := layer.Open(ctx, channel.InboxOptions{Deliver: sink})
			message := channel.NewMessage("bench", make([]byte, 128))
			for b.Loop() {
				_ = inbox.Join(ctx, "crowd")
				_, _ = layer.GroupSend(ctx, "crowd", message)
				inbox.Leave("crowd")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(members+1), "ns/delivery")
		})
	}
}

func BenchmarkOpenClose(b *testing.B) {
	layer := channel.New(channel.Options{})
	defer layer.Close(ctx)
	b.ReportAllocs()
	for b.Loop() {
		inbox, err := layer.Open(ctx, channel.InboxOptions{})
		if err != nil {
			b.Fatal(err)
		}
		inbox.Close()
	}
}

// BenchmarkIdleInbox reports what an open inbox with one group weighs.
func BenchmarkIdleInbox(b *testing.B) {
	for name, options := range map[string]channel.InboxOptions{
		"queue": {},
		"sink":  {Deliver: func(channel.Message) channel.Verdict { return channel.Accepted }},
	} {
		b.Run(name, func(b *testing.B) {
			const inboxes = 10_000
			for b.Loop() {
				layer := channel.New(channel.Options{})
				before := heap()
				crowd(b, layer, inboxes, options)
				b.ReportMetric(float64(heap()-before)/inboxes, "B/inbox")
				_ = layer.Close(ctx)
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
