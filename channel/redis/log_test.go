package redis_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/history"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestLogIsAsInMemory: the script keeps what the kit's own log keeps, whatever is
// appended and however the bounds change.
func TestLogIsAsInMemory(t *testing.T) {
	t.Parallel()
	transport := connect(t, redis.Options{URLs: []string{url(servicetest.StartRedis(t))}})
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		subject, model := fmt.Sprint("log", seed), new(history.Log[string])
		for range 60 {
			payload := fmt.Sprintf("%0*d", random.IntN(30), random.IntN(1000))
			keep := channel.Keep{Age: math.MaxInt64,
				Messages: 1 + random.IntN(10), Bytes: 1 + random.IntN(100)}
			if random.IntN(4) == 0 {
				keep.Messages, keep.Bytes = math.MaxInt, math.MaxInt
			}
			want := model.Append(payload, len(payload), time.Now(), history.Bounds(keep))
			got, err := transport.Append(t.Context(), subject, []byte(payload), keep)
			if err != nil || got.Offset != want.Offset {
				t.Fatalf("seed %d: appended at %v, %v, want %d", seed, got, err, want.Offset)
			}
			after, limit := uint64(random.IntN(int(want.Offset)+2)), random.IntN(12)
			past, err := transport.Since(t.Context(), subject,
				channel.Position{Epoch: got.Epoch, Offset: after}, limit)
			first, last := model.Bounds()
			if err != nil || past.Epoch != got.Epoch || past.First != first || past.Last != last {
				t.Fatalf("seed %d: %+v, %v, want %d to %d", seed, past, err, first, last)
			}
			entries := model.Since(after, limit)
			if len(entries) != len(past.Entries) {
				t.Fatalf("seed %d: %d entries, want %d", seed, len(past.Entries), len(entries))
			}
			for i, e := range past.Entries {
				if e.Position.Offset != entries[i].Offset || e.Previous != entries[i].Previous ||
					string(e.Payload) != entries[i].Value {
					t.Fatalf("seed %d: %+v, want %+v", seed, e, entries[i])
				}
			}
		}
	}
}

// TestLogGrowsOld by the clock of the server: entries go, and the epoch stays.
func TestLogGrowsOld(t *testing.T) {
	t.Parallel()
	transport := connect(t, redis.Options{URLs: []string{url(servicetest.StartRedis(t))}})
	brief := keepAll
	brief.Age = 100 * time.Millisecond
	position, err := transport.Append(t.Context(), "log", []byte("old"), brief)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		past, err := transport.Since(t.Context(), "log", channel.Position{}, 10)
		if err == nil && len(past.Entries) > 0 {
			err = fmt.Errorf("%+v", past)
		}
		if err == nil && (past.Epoch != position.Epoch || past.First != 2 || past.Last != 1) {
			t.Fatalf("%+v", past)
		}
		return err
	})
	again, err := transport.Append(t.Context(), "log", []byte("new"), brief)
	if err != nil || again != (channel.Position{Epoch: position.Epoch, Offset: 2}) {
		t.Errorf("%v, %v", again, err)
	}
}

// TestFollow: everybody sees the same entries in the same order, and the publisher's
// own count.
func TestFollow(t *testing.T) {
	t.Parallel()
	options := redis.Options{URLs: []string{url(servicetest.StartRedis(t))}}
	const publishers, each = 4, 100
	var mu sync.Mutex
	seen := make([][]channel.Entry, 3)
	for i := range seen {
		_, err := connect(t, options).Follow(t.Context(), "log", func(e channel.Entry) {
			mu.Lock()
			defer mu.Unlock()
			seen[i] = append(seen[i], e)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range publishers {
		transport := connect(t, options)
		go func() {
			for n := range each {
				_, _ = transport.Append(t.Context(), "log", fmt.Append(nil, n), keepAll)
			}
		}()
	}
	eventually(t, func() error {
		mu.Lock()
		defer mu.Unlock()
		for _, entries := range seen {
			if len(entries) != publishers*each {
				return fmt.Errorf("%d entries", len(entries))
			}
		}
		return nil
	})
	for i := range publishers * each {
		want := uint64(i + 1)
		for _, entries := range seen {
			e := entries[i]
			if e.Position.Offset != want || e.Previous != want-1 ||
				e.Position.Epoch != seen[0][0].Position.Epoch ||
				string(e.Payload) != string(seen[0][i].Payload) {
				t.Fatalf("%+v at %d", e, i)
			}
		}
	}
}
