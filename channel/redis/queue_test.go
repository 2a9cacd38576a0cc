package redis_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestReadersComeAndGo while much is published on the subject that they share, and now
// and then all are gone: each payload comes to exactly one.
func TestReadersComeAndGo(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	options := redis.Options{URLs: []string{url(server)}}
	const messages = 2000
	var mu sync.Mutex
	seen := make(map[string]int)
	deliver := func(payload []byte) {
		mu.Lock()
		defer mu.Unlock()
		seen[string(payload)]++
	}
	var readers []*redis.Transport
	for range 3 {
		readers = append(readers, connect(t, options))
	}
	join := func(i int) channel.Subscription {
		subscription, err := readers[i%3].QueueSubscribe(t.Context(), "jobs", deliver)
		if err != nil {
			t.Fatal(err)
		}
		return subscription
	}
	first := join(0)
	publisher := connect(t, options)
	done := make(chan error, 1)
	go func() {
		for i := range messages {
			if err := publisher.Publish(context.Background(), "jobs", fmt.Append(nil, i)); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for i := range 30 {
		second, third := join(i+1), join(i+2)
		for _, subscription := range []channel.Subscription{first, second, third} {
			if err := subscription.Unsubscribe(); err != nil {
				t.Fatal(err)
			}
		}
		first = join(i)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(seen) < messages {
			return fmt.Errorf("%d of %d", len(seen), messages)
		}
		return nil
	})
	for payload, times := range seen {
		if times != 1 {
			t.Errorf("%s came %d times", payload, times)
		}
	}
}

// TestReaderIsCutOff: what is published meanwhile waits for it.
func TestReaderIsCutOff(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	proxy := servicetest.StartProxy(t, server.Addr)
	reader := connect(t, redis.Options{URLs: []string{"redis://" + proxy.Addr}, Backlog: 100})
	publisher := connect(t, redis.Options{URLs: []string{url(server)}, Backlog: 100})
	came := make(chan string, 200)
	if _, err := reader.QueueSubscribe(t.Context(), "jobs",
		func(payload []byte) { came <- string(payload) }); err != nil {
		t.Fatal(err)
	}
	proxy.Cut()
	full := 0
	for i := range 110 {
		switch err := publisher.Publish(t.Context(), "jobs", fmt.Append(nil, i)); {
		case errors.Is(err, parley.ErrFull):
			full++
		case err != nil:
			t.Fatal(err)
		}
	}
	if full != 10 {
		t.Errorf("%d are too many, want 10", full)
	}
	proxy.Heal()
	for i := range 100 {
		if got := <-came; got != fmt.Sprint(i) {
			t.Fatalf("%s came instead of %d", got, i)
		}
	}
}
