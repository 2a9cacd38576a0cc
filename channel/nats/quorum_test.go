package nats_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/channel/nats/embedded"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestClusterLosesItsQuorum: of three servers two go, and come back. What needs no agreement
// goes on, what does is an error while there is none, and nothing that was kept before is
// lost after.
func TestClusterLosesItsQuorum(t *testing.T) {
	c := newTrio(t)
	a := connect(t, nats.Options{InProcess: c.servers[0], Replicas: 3, Timeout: patience / 4})
	brief := connect(t, nats.Options{InProcess: c.servers[0], Replicas: 3, Timeout: 2 * time.Second})
	var got atomic.Int64
	if _, err := a.Subscribe(patient(t), "room", func([]byte) { got.Add(1) }); err != nil {
		t.Fatal(err)
	}
	before, err := a.Append(patient(t), "log", []byte("before"), keepAll)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Enqueue(patient(t), "jobs", []byte("job")); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Renew(patient(t), "parley.a", time.Hour); err != nil {
		t.Fatal(err)
	}
	record := []channel.Record{{Subject: "room", Key: "member"}}
	if err := a.Enter(patient(t), "parley.a", record); err != nil {
		t.Fatal(err)
	}
	c.stop(1)
	c.stop(2)
	if err := a.Publish(patient(t), "room", nil); err != nil {
		t.Errorf("publish: %v", err)
	}
	until(t, "delivery", func() bool { return got.Load() == 1 })
	for name, call := range map[string]func() error{
		"append":  func() error { _, err := brief.Append(patient(t), "log", nil, keepAll); return err },
		"enqueue": func() error { return brief.Enqueue(patient(t), "jobs", nil) },
		"renew":   func() error { _, err := brief.Renew(patient(t), "parley.a", time.Hour); return err },
		"enter":   func() error { return brief.Enter(patient(t), "parley.a", record) },
		"take":    func() error { _, err := brief.Take(patient(t), "jobs", 1, time.Minute); return err },
	} {
		began := time.Now()
		err := call()
		if err == nil || patience-time.Since(began) < time.Second {
			t.Errorf("%s without a quorum: %v", name, err)
		}
	}
	c.start(1)
	c.start(2)
	var after channel.Position
	until(t, "append", func() bool {
		after, err = a.Append(patient(t), "log", []byte("after"), keepAll)
		return err == nil
	})
	past, err := a.Since(patient(t), "log", before, 100)
	if err != nil || after.Epoch != before.Epoch || len(past.Entries) == 0 ||
		past.Entries[len(past.Entries)-1].Position != after || past.Entries[0].Previous != before.Offset {
		t.Errorf("%v after %v: %+v, %v", after, before, past, err)
	}
	until(t, "presence", func() bool {
		present, err := a.Present(patient(t), "room")
		return err == nil && len(present) == 1
	})
	until(t, "job", func() bool {
		held, err := a.Take(patient(t), "jobs", 1, time.Minute)
		if err != nil {
			return false
		}
		return string(held[0].Payload) == "job" && a.Done(patient(t), "jobs", held[0]) == nil
	})
}

// trio is a cluster whose servers keep files, and can be stopped and started again.
type trio struct {
	t       *testing.T
	options [3]embedded.Options
	servers [3]*embedded.Server
}

func newTrio(t *testing.T) *trio {
	c := &trio{t: t}
	var addrs []string
	for range c.servers {
		addrs = append(addrs, "127.0.0.1:"+servicetest.FreePort(t))
	}
	for i := range c.servers {
		c.options[i] = embedded.Options{Name: fmt.Sprint("test-", i), Logger: silent, Dir: t.TempDir(),
			ClusterListen: addrs[i], Peers: addrs}
		c.start(i)
		t.Cleanup(func() { c.stop(i) })
	}
	for _, server := range c.servers {
		if err := server.Joined(patient(t)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *trio) start(i int) {
	c.t.Helper()
	server, err := embedded.New(c.options[i])
	if err != nil {
		c.t.Fatal(err)
	}
	c.servers[i] = server
}

func (c *trio) stop(i int) {
	c.t.Helper()
	if err := c.servers[i].Close(); err != nil {
		c.t.Error(err)
	}
}
