package nats_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
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

// What a group costs that nobody says anything in.
func BenchmarkIdleGroup(b *testing.B) {
	transport := connect(b, nats.Options{InProcess: embeddedServers(b, 1)[0]})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := transport.Subscribe(b.Context(), fmt.Sprint("room.", i), func([]byte) {}); err != nil {
			b.Fatal(err)
		}
	}
}
