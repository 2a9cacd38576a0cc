package redis_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
)

// BenchmarkIdle: what a hundred thousand groups cost that nobody sends to, and how long
// it takes to subscribe to all of them again.
func BenchmarkIdle(b *testing.B) {
	const groups = 100_000
	server := servicetest.StartRedis(b)
	for b.Loop() {
		transport := connect(b, redis.Options{URLs: []string{url(server)}})
		again := make(chan int, 1)
		transport.OnInterrupt(func(subjects []string) { again <- len(subjects) })
		before := heap()
		subscribeAll(b, transport, groups)
		b.ReportMetric(float64(heap()-before)/groups, "B/group")
		began := time.Now()
		server.Must("CLIENT", "KILL", "TYPE", "pubsub")
		if got := <-again; got != groups {
			b.Fatalf("told of %d", got)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/resubscribe")
		if err := transport.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func subscribeAll(b *testing.B, transport *redis.Transport, groups int) {
	var subscribing sync.WaitGroup
	for worker := range 100 {
		subscribing.Go(func() {
			for i := worker; i < groups; i += 100 {
				subject := fmt.Sprintf("parley.group.room-%08d", i)
				if _, err := transport.Subscribe(b.Context(), subject, func([]byte) {}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	subscribing.Wait()
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}

// BenchmarkPublish by one goroutine, and by many that share the connection.
func BenchmarkPublish(b *testing.B) {
	transport := connect(b, redis.Options{URLs: []string{url(servicetest.StartRedis(b))}})
	payload := make([]byte, 200)
	b.Run("Alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := transport.Publish(b.Context(), "parley.group.room", payload); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Together", func(b *testing.B) {
		b.SetParallelism(100)
		b.ReportAllocs()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				if err := transport.Publish(b.Context(), "parley.group.room", payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	b.Run("Append", func(b *testing.B) {
		b.SetParallelism(100)
		keep := channel.Keep{Messages: 1000, Age: time.Hour, Bytes: 1 << 20}
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				if _, err := transport.Append(b.Context(), "log", payload, keep); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// BenchmarkResume reads a thousand messages that somebody has missed.
func BenchmarkResume(b *testing.B) {
	transport := connect(b, redis.Options{URLs: []string{url(servicetest.StartRedis(b))}})
	for range 1000 {
		if _, err := transport.Append(b.Context(), "log", make([]byte, 200), keepAll); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		past, err := transport.Since(b.Context(), "log", channel.Position{}, 1000)
		if err != nil || len(past.Entries) != 1000 {
			b.Fatal(len(past.Entries), err)
		}
	}
}
