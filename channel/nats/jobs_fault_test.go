package nats_test

import (
	"math"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestTakersSeeTheServerDie: what waits for a job is told at once, and jobs in files are
// there when the server is back, also the one that somebody held.
func TestTakersSeeTheServerDie(t *testing.T) {
	server := servicetest.StartNATS(t)
	transport := connect(t, nats.Options{Servers: []string{server.URL}})
	notices := told(transport)
	if _, err := transport.Subscribe(patient(t), "room", func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := transport.Take(t.Context(), "idle", 1, time.Minute)
		failed <- err
	}()
	until(t, "taker", func() bool { return takers(t, server.URL) == 1 })
	for _, job := range []string{"a", "b"} {
		if err := transport.Enqueue(patient(t), "jobs", []byte(job)); err != nil {
			t.Fatal(err)
		}
	}
	held, err := transport.Take(patient(t), "jobs", 1, 2*time.Second)
	if err != nil || len(held) != 1 {
		t.Fatalf("%v, %v", held, err)
	}
	server.Kill()
	if err := await(t, "error", failed); err == nil {
		t.Error("nothing was taken, without an error")
	}
	if err := transport.Enqueue(patient(t), "jobs", nil); err == nil {
		t.Error("enqueued without a server")
	}
	server.Restart()
	await(t, "notice", notices)
	got := map[string]bool{}
	for len(got) < 2 {
		all, err := transport.Take(patient(t), "jobs", 2, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range all {
			got[string(job.Payload)] = true
			done(t, transport, job)
		}
	}
}

func done(t *testing.T, transport *nats.Transport, job channel.Held) {
	t.Helper()
	if err := transport.Done(patient(t), "jobs", job); err != nil {
		t.Error(err)
	}
}

// takers returns how many wait for jobs.
func takers(t *testing.T, url string) (waiting int) {
	t.Helper()
	conn, err := natsgo.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(patient(t), "parley-jobs")
	if err != nil {
		return 0 // not yet
	}
	for info := range stream.ListConsumers(patient(t)).Info() {
		waiting += info.NumWaiting
	}
	return waiting
}

// TestTakeOfNone: at least one job is taken, whatever the limit.
func TestTakeOfNone(t *testing.T) {
	transport := connect(t, nats.Options{InProcess: embeddedServers(t, 1)[0]})
	for _, limit := range []int{0, -7} {
		if err := transport.Enqueue(patient(t), "jobs", []byte("job")); err != nil {
			t.Fatal(err)
		}
		held, err := transport.Take(patient(t), "jobs", limit, time.Minute)
		if err != nil || len(held) != 1 {
			t.Fatalf("limit %d: took %d, %v", limit, len(held), err)
		}
		done(t, transport, held[0])
	}
}

// TestTakeWithoutLimit: whoever takes as many as there can be, for as long as there can be,
// gets what is there.
func TestTakeWithoutLimit(t *testing.T) {
	everywhere(t, func(t *testing.T, dial func(t *testing.T) *nats.Transport) {
		transport := dial(t)
		if err := transport.Enqueue(patient(t), "jobs", nil); err != nil {
			t.Fatal(err)
		}
		taken, err := transport.Take(patient(t), "jobs", math.MaxInt, math.MaxInt64)
		if err != nil || len(taken) != 1 {
			t.Fatalf("%v, %v", taken, err)
		}
		done(t, transport, taken[0])
	})
}
