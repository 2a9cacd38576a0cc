//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/centrifugal/centrifuge"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/channel/nats/embedded"
	"github.com/parleygo/parley/channel/redis"
)

// clustered are servers of which two have one broker.
var clustered = map[string]func() server{
	"kit/redis":        func() server { return kitOver(channel.Options{Transport: overRedis()}) },
	"kit/nats":         func() server { return kitOver(channel.Options{Transport: overNATS()}) },
	"kit/embedded":     embeddedKit,
	"kit/kept":         keptCrowd,
	"kit/idle":         idleGroups,
	"kit/present":      presentMembers,
	"redis/centrifuge": func() server { return centrifugeOver(overCentrifuge) },
}

// brokerVariable is where the broker listens, or of embedded ones this and the other.
const brokerVariable = "PARLEY_LOAD_BROKER"

var silent = slog.New(slog.DiscardHandler)

func overRedis() channel.Transport {
	return must(redis.New(redis.Options{
		URLs: []string{"redis://" + os.Getenv(brokerVariable)}, Logger: silent,
	}))
}

func overNATS() channel.Transport {
	return must(nats.New(nats.Options{
		Servers: []string{"nats://" + os.Getenv(brokerVariable)}, Logger: silent,
	}))
}

// embeddedKit has files as long as it runs.
func embeddedKit() server {
	addresses := strings.Split(os.Getenv(brokerVariable), ",")
	broker := must(embedded.New(embedded.Options{
		ClusterListen: addresses[0], Peers: addresses, Logger: silent,
	}))
	transport := must(nats.New(nats.Options{InProcess: broker, Logger: silent}))
	s := kitOver(channel.Options{Transport: transport})
	s.close = func() { broker.Close() }
	return s
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// overCentrifuge gives a node centrifuge's broker over Redis, as it comes.
func overCentrifuge(node *centrifuge.Node) {
	shard := must(centrifuge.NewRedisShard(node, centrifuge.RedisShardConfig{
		Address: os.Getenv(brokerVariable),
	}))
	node.SetBroker(must(centrifuge.NewRedisBroker(node, centrifuge.RedisBrokerConfig{
		Shards: []*centrifuge.RedisShard{shard},
	})))
}

// keptCrowd is a crowd whose group has a history.
func keptCrowd() server {
	const all = 100_000
	return kitOver(channel.Options{Transport: overRedis(), History: []channel.HistoryRule{
		{Pattern: "*", Keep: channel.Keep{Messages: all, Bytes: 256 * all}},
	}})
}

// idleGroups are groups of one member each, of whom each is in a hundred. The order
// "told" waits until members were told of an interruption of so many.
func idleGroups() server {
	layer := channel.New(channel.Options{Transport: overRedis(), Logger: silent})
	var told atomic.Int64
	notice := make(chan struct{}, 1)
	deliver := func(message channel.Message) channel.Verdict {
		if message.Type() == channel.TypeResync {
			told.Add(int64(bytes.Count(message.Payload(), []byte("room."))))
			select {
			case notice <- struct{}{}:
			default:
			}
		}
		return channel.Accepted
	}
	const each = 100
	return server{prepare: func(n int) {
		inParallel(n/each, func(i int) {
			inbox := must(layer.Open(context.Background(), channel.InboxOptions{Deliver: deliver}))
			for j := range each {
				group := channel.Group("room." + strconv.Itoa(each*i+j))
				if err := inbox.Join(context.Background(), group); err != nil {
					panic(err)
				}
			}
		})
	}, orders: map[string]func(int) int64{"told": func(n int) int64 {
		for told.Load() < int64(n) {
			<-notice
		}
		return told.Swap(0)
	}}}
}

// presentMembers are members whom others see, a hundred in each group.
func presentMembers() server {
	layer := channel.New(channel.Options{Transport: overRedis(), Logger: silent})
	sink := func(channel.Message) channel.Verdict { return channel.Accepted }
	return server{prepare: func(n int) {
		inParallel(n, func(i int) {
			inbox := must(layer.Open(context.Background(), channel.InboxOptions{Deliver: sink}))
			group := channel.Group("room." + strconv.Itoa(i/100))
			must(inbox.Enter(context.Background(), group, map[string]string{"name": fmt.Sprint(i)}))
		})
	}}
}

// inParallel calls f for each number below n, many at a time.
func inParallel(n int, f func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	all.Wait()
}
