package redis_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestConnectionsAreKilled at any moment, of all kinds: of what was accepted in a kept group
// everything comes once and in order, whoever is present stays, and no job is lost.
func TestConnectionsAreKilled(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	sender, reader := newLayer(t, server.Addr), newLayer(t, server.Addr)
	lines, room := join(t, reader, "kept"), join(t, reader, "room")
	in, err := sender.Open(t.Context(), channel.InboxOptions{Policy: channel.DropOldest})
	if err != nil {
		t.Fatal(err)
	}
	me, err := in.Enter(t.Context(), "room", "me")
	if err != nil {
		t.Fatal(err)
	}
	room.wants(t, channel.TypeJoin, 1)
	work := connect(t, redis.Options{URLs: []string{url(server)}})

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var sending sync.WaitGroup
	refused, jobs, number := make(map[int]bool), make(map[string]bool), 0
	send := func() (accepted bool) {
		number++
		text := strconv.Itoa(number)
		line := channel.NewMessage("line", []byte(text))
		_, err := sender.GroupSend(t.Context(), "kept", line)
		if refused[number] = err != nil; err == nil && work.Enqueue(ctx, "jobs", []byte(text)) == nil {
			jobs[text] = true
		}
		return err == nil
	}
	sending.Go(func() {
		for ctx.Err() == nil {
			send()
		}
	})
	for range 50 {
		time.Sleep(rand.N(20 * time.Millisecond))
		server.Must("CLIENT", "KILL", "TYPE", []string{"normal", "pubsub"}[rand.N(2)])
	}
	stop()
	sending.Wait()
	ctx = t.Context()
	eventually(t, func() error {
		if !send() {
			return errStill
		}
		return nil
	})
	last := strconv.Itoa(number)
	eventually(t, func() error {
		lines.mu.Lock()
		defer lines.mu.Unlock()
		for _, m := range slices.Backward(lines.got) {
			if string(m.Payload()) == last {
				return nil
			}
		}
		return errStill
	})
	lines.mu.Lock()
	defer lines.mu.Unlock()
	next := 1
	for _, m := range lines.got {
		if m.Type() == channel.TypeResync { // of what is sent to it alone
			continue
		}
		got, err := strconv.Atoi(string(m.Payload()))
		if err != nil || got < next {
			t.Fatalf("%s %s came where %d was due", m.Type(), m.Payload(), next)
		}
		for ; next < got; next++ {
			if !refused[next] {
				t.Errorf("%d was accepted and did not come", next)
			}
		}
		next++
	}
	present, err := reader.Present(t.Context(), "room")
	left := room.count(channel.TypeLeave)
	if err != nil || len(present) != 1 || present[0].ID != me.ID || left != 0 {
		t.Errorf("present: %v, %v; %d were said to have left", present, err, left)
	}
	for len(jobs) > 0 {
		held, err := work.Take(t.Context(), "jobs", 100, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range held {
			delete(jobs, string(job.Payload))
		}
	}
	t.Logf("%d sent", number)
}

var errStill = errors.New("not yet")
