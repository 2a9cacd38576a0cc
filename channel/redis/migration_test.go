package redis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/servicetest"
	"github.com/redis/rueidis"
)

// migration moves a slot as an operator does, with its keys, in steps between which the
// servers send clients to and fro.
type migration struct {
	t        *testing.T
	slot     string
	from, to *servicetest.Redis
	all      clustered
}

func migrate(t *testing.T, servers clustered, subject string) migration {
	t.Helper()
	m := migration{t: t, slot: keyslot(servers[0], subject), all: servers}
	for _, server := range servers {
		if has(server, m.slot) {
			m.from = server
		} else {
			m.to = server
		}
	}
	m.to.Must("CLUSTER", "SETSLOT", m.slot, "IMPORTING", m.id(m.from))
	m.from.Must("CLUSTER", "SETSLOT", m.slot, "MIGRATING", m.id(m.to))
	return m
}

func (m migration) id(server *servicetest.Redis) string {
	return strings.Fields(server.All("CLUSTER MYID"))[0]
}

// keys brings those that are there to the other server.
func (m migration) keys() (moved int) {
	m.t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{m.from.Addr}, DisableCache: true, ForceSingleClient: true})
	if err != nil {
		m.t.Fatal(err)
	}
	defer client.Close()
	slot, err := strconv.ParseInt(m.slot, 10, 64)
	if err != nil {
		m.t.Fatal(err)
	}
	keys, err := client.Do(m.t.Context(),
		client.B().ClusterGetkeysinslot().Slot(slot).Count(100).Build()).AsStrSlice()
	if err != nil {
		m.t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(m.to.Addr)
	for _, key := range keys {
		m.from.Must("MIGRATE", host, port, key, "0", "10000")
	}
	return len(keys)
}

func (m migration) end() {
	m.t.Helper()
	for _, server := range append(clustered{m.to, m.from}, m.all...) {
		server.Must("CLUSTER", "SETSLOT", m.slot, "NODE", m.id(m.to))
	}
}

// TestSlotMigrates with its keys while they are in use. What is kept comes once and in
// order, though in another epoch, which is told as a gap; all who are present stay so, and no
// job is lost.
func TestSlotMigrates(t *testing.T) { eachPubSub(t, slotMigrates) }

func slotMigrates(t *testing.T, unsharded bool) {
	servers := startCluster(t, 2)
	options := servers.options()
	options.Unsharded = unsharded
	near, far := layerOn(t, options), layerOn(t, options)
	transport := connect(t, options)
	m := join(t, far, "kept")
	for i := range 20 {
		if _, err := join(t, near).Enter(t.Context(), "people", i); err != nil {
			t.Fatal(err)
		}
	}
	jobs := 0
	enqueue := func() {
		t.Helper()
		eventually(t, func() error { return transport.Enqueue(t.Context(), "jobs", []byte("x")) })
		jobs++
	}
	var sent, refused atomic.Int64
	send := func(count int) {
		t.Helper()
		for range count {
			line := channel.NewMessage("line", strconv.AppendInt(nil, sent.Load()+1, 10))
			eventually(t, func() error {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, err := near.GroupSend(ctx, "kept", line)
				if err != nil {
					refused.Add(1)
				}
				return err
			})
			sent.Add(1)
		}
	}
	send(20)
	enqueue()
	moved := 0
	for _, subject := range []string{"parley.group.kept", "leases", "jobs"} {
		step := migrate(t, servers, subject)
		send(20)
		if subject != "parley.group.kept" {
			enqueue()
		}
		moved += step.keys()
		send(20)
		enqueue()
		moved += step.keys()
		step.end()
		send(20)
	}
	m.wants(t, "line", int(sent.Load()))
	for i, message := range m.lines() {
		if want := strconv.Itoa(i + 1); string(message.Payload()) != want {
			t.Fatalf("%s came, want %s", message.Payload(), want)
		}
	}
	if gaps := m.count(channel.TypeGap); gaps != 1 || m.Err() != nil {
		t.Errorf("%d gaps, %v", gaps, m.Err())
	}
	for jobs > 0 {
		held, err := transport.Take(t.Context(), "jobs", 10, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		jobs -= len(held)
	}
	eventually(t, func() error {
		present, err := far.Present(t.Context(), "people")
		if err == nil && len(present) != 20 {
			err = fmt.Errorf("%d are present", len(present))
		}
		return err
	})
	if moved == 0 {
		t.Error(errors.New("no key has moved"))
	}
	t.Logf("%d keys moved, %d messages, %d refused and sent again", moved, sent.Load(), refused.Load())
}

// lines are the messages of the type "line".
func (m *member) lines() (lines []channel.Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, message := range m.got {
		if message.Type() == "line" {
			lines = append(lines, message)
		}
	}
	return lines
}
