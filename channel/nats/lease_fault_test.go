package nats_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestServerForgetsLeases: they are in its memory. Whoever renews hears that it must say
// again what it had.
func TestServerForgetsLeases(t *testing.T) {
	server := servicetest.StartNATS(t)
	transport := connect(t, nats.Options{Servers: []string{server.URL}})
	notices := told(transport)
	if _, err := transport.Subscribe(patient(t), "room", func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	renew := func(want channel.LeaseState) {
		t.Helper()
		if state, err := transport.Renew(patient(t), "parley.a", time.Minute); err != nil || state != want {
			t.Errorf("%v, %v, want %v", state, err, want)
		}
	}
	renew(channel.LeaseNew)
	record := []channel.Record{{Subject: "room", Key: "member"}}
	if err := transport.Enter(patient(t), "parley.a", record); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	server.Restart()
	await(t, "notice", notices)
	if present, err := transport.Present(patient(t), "room"); err != nil || len(present) != 0 {
		t.Errorf("%v, %v", present, err)
	}
	renew(channel.LeaseForgotten)
	renew(channel.LeaseKept)
	if err := transport.Enter(patient(t), "parley.a", record); err != nil {
		t.Fatal(err)
	}
	if present, err := transport.Present(patient(t), "room"); err != nil || len(present) != 1 {
		t.Errorf("%v, %v", present, err)
	}
	if err := transport.Drop(patient(t), "parley.a"); err != nil {
		t.Fatal(err)
	}
	renew(channel.LeaseNew)
}

// TestForgetLeavesTheLiving: whoever forgets a lease that has just been renewed does
// nothing, and records of a new stay are not taken for those of the last.
func TestForgetLeavesTheLiving(t *testing.T) {
	server := embeddedServers(t, 1)[0]
	owner, other := connect(t, nats.Options{InProcess: server}), connect(t, nats.Options{InProcess: server})
	record := []channel.Record{{Subject: "room", Key: "member"}}
	for round := range 20 {
		life := time.Minute
		if round%2 == 0 {
			life = time.Millisecond
		}
		state, err := owner.Renew(patient(t), "parley.a", life)
		if err != nil {
			t.Fatal(err)
		}
		if life == time.Millisecond {
			time.Sleep(2 * life)
			go func() { _ = other.Forget(t.Context(), "parley.a") }()
			continue
		}
		if state != channel.LeaseNew {
			t.Errorf("round %d: %v", round, state)
		}
		if err := owner.Enter(patient(t), "parley.a", record); err != nil {
			t.Fatal(err)
		}
		if err := other.Forget(patient(t), "parley.a"); err != nil {
			t.Fatal(err)
		}
		if present, err := other.Present(patient(t), "room"); err != nil || len(present) != 1 {
			t.Errorf("round %d: %v, %v", round, present, err)
		}
		if err := owner.Drop(patient(t), "parley.a"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestManyRecords: ten thousand enter in few round trips, and one renewal is for all.
func TestManyRecords(t *testing.T) {
	transport := connect(t, nats.Options{InProcess: embeddedServers(t, 1)[0]})
	if _, err := transport.Renew(patient(t), "parley.a", time.Minute); err != nil {
		t.Fatal(err)
	}
	records := make([]channel.Record, 10_000)
	for i := range records {
		records[i] = channel.Record{Subject: "room", Key: time.Duration(i).String()}
	}
	began := time.Now()
	if err := transport.Enter(patient(t), "parley.a", records); err != nil {
		t.Fatal(err)
	}
	entered := time.Now()
	present, err := transport.Present(patient(t), "room")
	if err != nil || len(present) != len(records) {
		t.Errorf("%d present, %v", len(present), err)
	}
	t.Logf("%d entered in %v, read in %v", len(records), entered.Sub(began), time.Since(entered))
	if state, err := transport.Renew(patient(t), "parley.a", time.Minute); err != nil || state != channel.LeaseKept {
		t.Errorf("%v, %v", state, err)
	}
	if err := transport.Exit(patient(t), "parley.a", records[:1000]); err != nil {
		t.Error(err)
	}
	if present, err := transport.Present(patient(t), "room"); err != nil || len(present) != 9000 {
		t.Errorf("%d present, %v", len(present), err)
	}
}

// TestPresentWhileOthersGo: what is removed while it is read holds nobody up.
func TestPresentWhileOthersGo(t *testing.T) {
	server := servicetest.StartNATS(t)
	o := nats.Options{Servers: []string{server.URL}}
	owner, others := connect(t, o), []*nats.Transport{connect(t, o), connect(t, o)}
	ctx, stop := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	for _, other := range others {
		reading.Go(func() {
			for ctx.Err() == nil {
				if _, err := other.Present(patient(t), "room"); err != nil {
					t.Errorf("present: %v", err)
				}
				if _, err := other.Lapsed(patient(t)); err != nil {
					t.Errorf("lapsed: %v", err)
				}
			}
		})
	}
	records := make([]channel.Record, 100)
	for i := range records {
		records[i] = channel.Record{Subject: "room", Key: fmt.Sprint(i)}
	}
	for round := range 40 {
		name := fmt.Sprint("parley.", round)
		if _, err := owner.Renew(patient(t), name, 50*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		_ = owner.Enter(patient(t), name, records) // fails if that takes too long
		time.Sleep(50 * time.Millisecond)
		var forgetting sync.WaitGroup
		for _, other := range others {
			forgetting.Go(func() {
				if err := other.Forget(patient(t), name); err != nil {
					t.Errorf("forget: %v", err)
				}
			})
		}
		forgetting.Wait()
	}
	stop()
	reading.Wait()
}

// TestBucketIsLookedForAgain: it harms no call that is under way with it.
func TestBucketIsLookedForAgain(t *testing.T) {
	transport := connect(t, nats.Options{InProcess: embeddedServers(t, 1)[0]})
	if _, err := transport.Renew(patient(t), "parley.a", time.Hour); err != nil {
		t.Fatal(err)
	}
	lost, cancel := context.WithCancel(t.Context())
	cancel() // nobody waits for the pause
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for range 50 {
				if _, err := transport.Present(patient(t), "room"); err != nil {
					t.Error(err)
				}
				nats.LoseBucket(lost, transport)
			}
		})
	}
	running.Wait()
}
