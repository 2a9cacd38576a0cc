package nats_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/internal/servicetest"
)

// What one goroutine publishes, which waits for the server each time, and what many do.
func BenchmarkPublish(b *testing.B) {
	server := embeddedServers(b, 1)[0]
	for _, unconfirmed := range []bool{false, true} {
		transport := connect(b, nats.Options{InProcess: server, Unconfirmed: unconfirmed})
		payload := make([]byte, 200)
		b.Run(fmt.Sprintf("one/unconfirmed=%v", unconfirmed), func(b *testing.B) {
			for b.Loop() {
				if err := transport.Publish(b.Context(), "room", payload); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("many/unconfirmed=%v", unconfirmed), func(b *testing.B) {
			b.SetParallelism(64)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := transport.Publish(b.Context(), "room", payload); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	transport := connect(b, nats.Options{InProcess: embeddedServers(b, 1)[0]})
	keep := channel.Keep{Messages: 1000, Age: time.Hour, Bytes: 1 << 20}
	payload := make([]byte, 200)
	for b.Loop() {
		if _, err := transport.Append(b.Context(), "room", payload, keep); err != nil {
			b.Fatal(err)
		}
	}
}

// What a client costs that comes back and has missed so much of a thousand.
func BenchmarkSince(b *testing.B) {
	transport := connect(b, nats.Options{InProcess: embeddedServers(b, 1)[0]})
	keep := channel.Keep{Messages: 1000, Age: time.Hour, Bytes: 1 << 20}
	positions := make([]channel.Position, 0, 1001)
	for i := range 1001 {
		p, err := transport.Append(b.Context(), "room", fmt.Append(nil, i), keep)
		if err != nil {
			b.Fatal(err)
		}
		positions = append(positions, p)
	}
	for _, missed := range []int{0, 10, 1000} {
		b.Run(fmt.Sprint(missed), func(b *testing.B) {
			for b.Loop() {
				past, err := transport.Since(b.Context(), "room", positions[1000-missed], 1000)
				if err != nil || len(past.Entries) != missed {
					b.Fatalf("%d entries, %v", len(past.Entries), err)
				}
			}
		})
	}
}

// BenchmarkIdle: what a hundred thousand groups weigh in this process that nobody says
// anything in, and how long it takes to subscribe to all of them again.
func BenchmarkIdle(b *testing.B) {
	const groups = 100_000
	server := servicetest.StartNATS(b)
	for name, idle := range map[string]func(b *testing.B, transport *nats.Transport){
		"transport": func(b *testing.B, transport *nats.Transport) { subscribeAll(b, transport, groups) },
		"layer": func(b *testing.B, transport *nats.Transport) {
			joinAll(b, channel.New(channel.Options{Transport: transport}), groups)
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				proxy := servicetest.StartProxy(b, server.Addr)
				transport := connect(b, nats.Options{Servers: []string{"nats://" + proxy.Addr}})
				before := heap()
				idle(b, transport)
				b.ReportMetric(float64(heap()-before)/groups, "B/group")
				again := make(chan int, 1)
				transport.OnInterrupt(func(subjects []string) { again <- len(subjects) })
				began := time.Now()
				proxy.Drop()
				if got := <-again; got < groups {
					b.Fatalf("told of %d", got)
				}
				b.ReportMetric(time.Since(began).Seconds(), "s/resubscribe")
				if err := transport.Close(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func subscribeAll(b *testing.B, transport *nats.Transport, groups int) {
	each(b, groups, func(i int) error {
		subject := fmt.Sprintf("parley.group.room-%08d", i)
		_, err := transport.Subscribe(b.Context(), subject, func([]byte) {})
		return err
	})
}

func joinAll(b *testing.B, layer *channel.Layer, groups int) {
	inbox, err := layer.Open(b.Context(), channel.InboxOptions{})
	if err != nil {
		b.Fatal(err)
	}
	each(b, groups, func(i int) error {
		return inbox.Join(b.Context(), channel.Group(fmt.Sprintf("room-%08d", i)))
	})
}

// each does something for every number, for many at once.
func each(b *testing.B, count int, do func(i int) error) {
	var doing sync.WaitGroup
	for worker := range 100 {
		doing.Go(func() {
			for i := worker; i < count; i += 100 {
				if err := do(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	doing.Wait()
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}
