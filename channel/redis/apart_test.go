package redis_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestClocksAnHourApart: of two processes one has a clock that is an hour ahead. Neither
// who is there, nor what is kept, nor who has a job depends on it.
func TestClocksAnHourApart(t *testing.T) {
	t.Parallel()
	const members = 10
	program := servicetest.BuildAhead(t, "./testdata/member", time.Hour)
	server := servicetest.StartRedis(t)
	transport := connect(t, redis.Options{URLs: []string{url(server)}})
	layer := channel.New(channel.Options{
		Transport: connect(t, redis.Options{URLs: []string{url(server)}}),
		History:   []channel.HistoryRule{{Pattern: "kept*", Keep: channel.Keep{Age: time.Minute}}},
	})
	defer layer.Close(t.Context())
	if err := transport.Enqueue(t.Context(), "jobs", []byte("job")); err != nil {
		t.Fatal(err)
	}
	watcher := join(t, layer, "kept")
	if _, err := watcher.Enter(t.Context(), "room", "watcher"); err != nil {
		t.Fatal(err)
	}
	process := servicetest.Start(t, program, url(server), fmt.Sprint(members))
	var now int64
	var taken int
	process.Await(func() error {
		_, err := fmt.Sscan(process.Output(), &now, &taken)
		return err
	})
	ahead := time.Until(time.Unix(now, 0))
	if math.Abs((ahead-time.Hour).Minutes()) > 5 || taken != 1 {
		t.Fatalf("the process is %v ahead, and has %d jobs", ahead, taken)
	}
	watcher.wants(t, channel.TypeJoin, members+1)
	watcher.wants(t, "line", members)
	reader := join(t, layer)
	var missed channel.Resumed
	if err := reader.Resume(t.Context(), "kept", channel.Position{}, func(r channel.Resumed) error {
		missed = r
		return nil
	}); err != nil || len(missed.Messages) != members || missed.Gap != "" {
		t.Errorf("%d messages are kept, a gap %q, %v", len(missed.Messages), missed.Gap, err)
	}
	jobs, err := transport.Take(t.Context(), "jobs", 1, time.Minute) // when the other's hold is over
	if err != nil || len(jobs) != 1 || jobs[0].Takes != 2 {
		t.Errorf("%+v, %v", jobs, err)
	}
	time.Sleep(31 * time.Second) // longer than a lease
	here, err := layer.Present(t.Context(), "room")
	if err != nil || len(here) != members+1 || watcher.count(channel.TypeLeave) != 0 {
		t.Errorf("%d are present, %d have left, %v", len(here), watcher.count(channel.TypeLeave), err)
	}
	process.Kill()
	deadline := time.After(2 * time.Minute)
	for watcher.count(channel.TypeLeave) < members {
		select {
		case <-deadline:
			t.Fatalf("%d have left", watcher.count(channel.TypeLeave))
		case <-time.After(50 * time.Millisecond):
		}
	}
	watcher.wants(t, channel.TypeLeave, members)
}
