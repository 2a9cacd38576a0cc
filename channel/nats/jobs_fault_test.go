package nats_test

import (
	"context"
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
	conn := dialed(t, server.URL)
	until(t, "taker", func() bool { return takers(t, conn) == 1 })
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
func takers(t *testing.T, conn *natsgo.Conn) (waiting int) {
	t.Helper()
	for _, info := range consumers(t, conn) {
		waiting += info.NumWaiting
	}
	return waiting
}

func consumers(t *testing.T, conn *natsgo.Conn) (all []*jetstream.ConsumerInfo) {
	t.Helper()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // in which a cluster need not answer
	defer cancel()
	stream, err := js.Stream(ctx, "parley-jobs")
	if err != nil {
		return nil // not yet
	}
	for info := range stream.ListConsumers(ctx).Info() {
		all = append(all, info)
	}
	return all
}

// dialed returns a connection that is not of a transport.
func dialed(t *testing.T, url string, how ...natsgo.Option) *natsgo.Conn {
	t.Helper()
	conn, err := natsgo.Connect(url, how...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// TestTakeGoesOn: whoever waits for a job gets it, though the consumer is deleted meanwhile,
// or another server of the cluster leads it.
func TestTakeGoesOn(t *testing.T) {
	servers := embeddedServers(t, 3)
	conn := dialed(t, natsgo.DefaultURL, natsgo.InProcessServer(servers[0]))
	for name, request := range map[string]string{
		"deleted":       "$JS.API.CONSUMER.DELETE.parley-jobs.",
		"another leads": "$JS.API.CONSUMER.LEADER.STEPDOWN.parley-jobs.",
	} {
		transport := connect(t, nats.Options{InProcess: servers[1], Replicas: 3, Timeout: patience})
		taken := make(chan error, 1)
		go func() {
			held, err := transport.Take(t.Context(), "jobs", 1, time.Minute)
			if err == nil {
				err = transport.Done(t.Context(), "jobs", held[0])
			}
			taken <- err
		}()
		var waits []*jetstream.ConsumerInfo
		until(t, "taker", func() bool {
			waits = consumers(t, conn)
			return len(waits) == 1 && waits[0].NumWaiting > 0
		})
		until(t, name, func() bool {
			_, err := conn.Request(request+waits[0].Name, nil, time.Second)
			return err == nil
		})
		if err := transport.Enqueue(patient(t), "jobs", []byte("job")); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		select {
		case err := <-taken:
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(2 * patience): // a server need not tell, then a request ends first
			t.Fatalf("%s: nothing came", name)
		}
	}
}

// TestPasses: what a server says is told to the caller, unless it is right in a moment.
func TestPasses(t *testing.T) {
	for said, want := range map[[2]string]bool{
		{"409", "Leadership Change"}:      true,
		{"409", "Consumer Deleted"}:       true,
		{"409", "Server Shutdown"}:        true,
		{"409", "Exceeded MaxWaiting"}:    false,
		{"409", "Consumer is push based"}: false,
		{"400", "Bad Request"}:            false,
		{"404", "No Messages"}:            false,
		{"408", "Request Timeout"}:        false,
		{"503", ""}:                       false,
		{"500", "Leadership Change"}:      false,
	} {
		if got := nats.Passes(said[0], said[1]); got != want {
			t.Errorf("%s: %t", said, got)
		}
	}
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
