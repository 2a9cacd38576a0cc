package nats_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
)

// TestClusterLosesOne: three programs with a server each, of which one dies. The others
// go on: what is published, what was kept, and who is present.
func TestClusterLosesOne(t *testing.T) {
	servers := embeddedServers(t, 3)
	var transports []*nats.Transport
	for _, server := range servers {
		transports = append(transports, connect(t, nats.Options{InProcess: server, Replicas: 3}))
	}
	a, b, dies := transports[0], transports[1], transports[2]
	var got atomic.Int64
	entries := make(chan channel.Entry, 100)
	if _, err := b.Subscribe(patient(t), "room", func([]byte) { got.Add(1) }); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Follow(patient(t), "log", func(e channel.Entry) { entries <- e }); err != nil {
		t.Fatal(err)
	}
	before, err := dies.Append(patient(t), "log", []byte("before"), keepAll)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dies.Renew(patient(t), "parley.dies", time.Minute); err != nil {
		t.Fatal(err)
	}
	record := []channel.Record{{Subject: "room", Key: "member"}}
	if err := dies.Enter(patient(t), "parley.dies", record); err != nil {
		t.Fatal(err)
	}
	if _, err := dies.Renew(patient(t), "parley.dies", time.Second); err != nil {
		t.Fatal(err)
	}
	if err := servers[2].Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := a.Publish(patient(t), "room", []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "deliveries", func() bool { return got.Load() == 20 })
	var after channel.Position
	until(t, "append", func() bool { // when the two have agreed who leads
		after, err = a.Append(patient(t), "log", []byte("after"), keepAll)
		return err == nil
	})
	if after.Epoch != before.Epoch {
		t.Errorf("%v after %v", after, before)
	}
	for e := await(t, "entry", entries); e.Position != after; {
		e = await(t, "entry", entries)
	}
	past, err := b.Since(patient(t), "log", before, 100)
	if err != nil || len(past.Entries) == 0 || past.Entries[0].Previous != before.Offset {
		t.Errorf("%+v, %v", past, err)
	}
	until(t, "lapse", func() bool {
		lapsed, err := a.Lapsed(patient(t))
		return err == nil && len(lapsed) == 1 && len(lapsed[0].Records) == 1
	})
	if err := a.Forget(patient(t), "parley.dies"); err != nil {
		t.Fatal(err)
	}
	if lapsed, err := b.Lapsed(patient(t)); err != nil || len(lapsed) != 0 {
		t.Errorf("%v, %v", lapsed, err)
	}
}

// TestRoutesInterrupted: two servers lose each other and find each other again. No
// connection of a client breaks, but both sides have missed something.
func TestRoutesInterrupted(t *testing.T) {
	servers := embeddedServers(t, 2)
	o := nats.Options{Heartbeat: 50 * time.Millisecond}
	o.InProcess = servers[0]
	a := connect(t, o)
	o.InProcess = servers[1]
	b := connect(t, o)
	notices := told(a)
	if _, err := a.Subscribe(patient(t), "room", func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	// A server that loses a peer has its transports seen as gone from the other side.
	nats.LosePeers(a)
	_ = b
	if subjects := await(t, "notice", notices); strings.Join(subjects, " ") != "room" {
		t.Errorf("told of %q", subjects)
	}
}

// TestServersComeAndGo: those that have gone are not remembered without end.
func TestServersComeAndGo(t *testing.T) {
	transport := connect(t, nats.Options{InProcess: embeddedServers(t, 1)[0]})
	if known := nats.MeetAndLose(transport, 1000); known > 100 {
		t.Errorf("%d are remembered", known)
	}
}
