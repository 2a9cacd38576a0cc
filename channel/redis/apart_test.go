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

// TestClocksAnHourApart: of three processes two have clocks that are an hour ahead, and one
// of those dies. Neither who is there, nor what is kept, nor who has a job depends on it.
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
	watcher := join(t, layer, "kept")
	if _, err := watcher.Enter(t.Context(), "room", "watcher"); err != nil {
		t.Fatal(err)
	}
	ahead(t, transport, program, url(server), fmt.Sprint(members), "jobs")
	began := time.Now()
	dies := ahead(t, transport, program, url(server), fmt.Sprint(members), "others")
	watcher.wants(t, channel.TypeJoin, 2*members+1)
	watcher.wants(t, "line", 2*members)
	reader := join(t, layer)
	var missed channel.Resumed
	if err := reader.Resume(t.Context(), "kept", channel.Position{}, func(r channel.Resumed) error {
		missed = r
		return nil
	}); err != nil || len(missed.Messages) != 2*members || missed.Gap != "" {
		t.Errorf("%d messages are kept, a gap %q, %v", len(missed.Messages), missed.Gap, err)
	}
	dies.Kill()
	for _, subject := range []string{"jobs", "others"} {
		jobs, err := transport.Take(t.Context(), subject, 1, time.Minute) // when the hold is over
		if err != nil || len(jobs) != 1 || jobs[0].Takes != 2 {
			t.Errorf("%+v, %v", jobs, err)
		}
	}
	deadline := time.After(2 * time.Minute)
	for watcher.count(channel.TypeLeave) < members {
		select {
		case <-deadline:
			t.Fatalf("%d have left", watcher.count(channel.TypeLeave))
		case <-time.After(50 * time.Millisecond):
		}
	}
	time.Sleep(time.Until(began.Add(33 * time.Second))) // longer than a lease
	here, err := layer.Present(t.Context(), "room")
	if err != nil || len(here) != members+1 || watcher.count(channel.TypeLeave) != members {
		t.Errorf("%d are present, %d have left, %v", len(here), watcher.count(channel.TypeLeave), err)
	}
}

// ahead starts the program, which takes a job of a subject, and waits until it has.
func ahead(
	t *testing.T, transport *redis.Transport, program, url, members, subject string,
) *servicetest.Process {
	t.Helper()
	if err := transport.Enqueue(t.Context(), subject, []byte("job")); err != nil {
		t.Fatal(err)
	}
	process := servicetest.Start(t, program, url, members, subject)
	var now int64
	var taken int
	process.Await(func() error {
		_, err := fmt.Sscan(process.Output(), &now, &taken)
		return err
	})
	by := time.Until(time.Unix(now, 0))
	if math.Abs((by-time.Hour).Minutes()) > 5 || taken != 1 {
		t.Fatalf("the process is %v ahead, and has %d jobs", by, taken)
	}
	return process
}
