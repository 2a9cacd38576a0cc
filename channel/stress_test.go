package channel_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/parleygo/parley/channel"
)

// Everything at once, for the race detector; newLayer checks at the end that
// every gauge is zero and every message accounted for.
func TestEverythingAtOnce(t *testing.T) {
	var broker channel.Broker
	for name, options := range map[string]channel.Options{
		"in process": {},
		"transport":  {Transport: broker.Connect()},
	} {
		t.Run(name, func(t *testing.T) {
			var lost atomic.Int64
			options.Capacity = channel.Capacity{Messages: 4}
			options.OnDrop = func(channel.Drop) { lost.Add(1) }
			layer := newLayer(t, options)
			stable := open(t, layer, channel.InboxOptions{Policy: channel.DropOldest})
			join(t, stable, "room")

			var all sync.WaitGroup
			var sum [4]resultSum
			for worker := range sum {
				all.Go(func() {
					churn(t, layer, stable.Name(), rand.New(rand.NewPCG(uint64(worker), 1)), &sum[worker])
				})
			}
			all.Wait()
			total := resultSum{}
			for _, s := range sum {
				total.enqueued += s.enqueued
				total.dropped += s.dropped
			}
			stats := layer.Stats()
			if stats.Enqueued != total.enqueued || stats.Dropped != total.dropped {
				t.Errorf("F5: senders saw %+v, the layer %+v", total, stats)
			}
			if stats.Members != 1 {
				t.Errorf("members left: %+v", stats)
			}
			want := stats.Dropped + stats.Evicted + stats.Expired + stats.Discarded
			if uint64(lost.Load()) != want {
				t.Errorf("E1: the hook was told of %d losses of %d", lost.Load(), want)
			}
		})
	}
}

type resultSum struct{ enqueued, dropped uint64 }

func (s *resultSum) direct(err error) {
	if err == nil {
		s.enqueued++
	} else {
		s.dropped++
	}
}

func churn(
	t *testing.T, layer *channel.Layer, stable channel.Name, random *rand.Rand, sum *resultSum,
) {
	policies := []channel.Policy{
		channel.CloseSlow, channel.Block, channel.DropOldest, channel.DropNewest, channel.Coalesce,
	}
	for range 300 {
		options := channel.InboxOptions{Policy: policies[random.IntN(len(policies))]}
		if random.IntN(3) == 0 {
			verdict := channel.Verdict(random.IntN(4))
			options.Deliver = func(channel.Message) channel.Verdict { return verdict }
		}
		inbox := open(t, layer, options)
		_ = inbox.Join(ctx, "room")
		_ = inbox.Join(ctx, "side")
		for range 6 {
			result := groupSend(t, layer, "room", "x")
			sum.enqueued += uint64(result.Enqueued)
			sum.dropped += uint64(result.Dropped)
			sum.direct(layer.Send(ctx, stable, text("y")))
		}
		if options.Deliver == nil && inbox.Stats().Unread > 0 {
			over, cancel := context.WithCancel(ctx)
			cancel()
			_, _ = inbox.Receive(over)
			_, _ = inbox.Receive(ctx)
		}
		if random.IntN(2) == 0 {
			inbox.Leave("room")
		}
		if random.IntN(10) == 0 {
			_ = layer.Kick(ctx, inbox.Name(), nil)
		}
		inbox.Close()
	}
}

// Close meets calls of every kind half done.
func TestCloseWhileEverythingRuns(t *testing.T) {
	for range 30 {
		var broker channel.Broker
		for _, options := range []channel.Options{{}, {Transport: broker.Connect()}} {
			layer := newLayer(t, options)
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for {
						inbox, err := layer.Open(ctx, channel.InboxOptions{})
						if err != nil {
							return
						}
						_ = inbox.Join(ctx, "room")
						_, _ = layer.GroupSend(ctx, "room", text("x"))
						_ = layer.Send(ctx, inbox.Name(), text("y"))
					}
				})
			}
			all.Go(func() {
				for len(layer.Members("room")) < 20 {
					runtime.Gosched()
				}
				if err := layer.Close(ctx); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			all.Wait()
		}
	}
}
