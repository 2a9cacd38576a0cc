package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
)

// member is an inbox that notes all it gets.
type member struct {
	*channel.Inbox
	mu    sync.Mutex
	got   []channel.Message
	types map[string]int
}

func join(t *testing.T, layer *channel.Layer, groups ...channel.Group) *member {
	t.Helper()
	m := &member{types: make(map[string]int)}
	inbox, err := layer.Open(t.Context(), channel.InboxOptions{
		Deliver: func(message channel.Message) channel.Verdict {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.types[message.Type()]++
			m.got = append(m.got, message)
			return channel.Accepted
		}})
	if err != nil {
		t.Fatal(err)
	}
	m.Inbox = inbox
	for _, group := range groups {
		if err := inbox.Join(t.Context(), group); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// wants waits until so many messages of a type have come; more are wrong at once.
func (m *member) wants(t *testing.T, kind string, count int) {
	t.Helper()
	eventually(t, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.types[kind] < count {
			return fmt.Errorf("%d messages %s, want %d: %v", m.types[kind], kind, count, m.types)
		}
		return nil
	})
	if got := m.count(kind); got != count {
		t.Fatalf("%d messages %s, want %d", got, kind, count)
	}
}

func (m *member) count(kind string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.types[kind]
}

func newLayer(t *testing.T, address string) *channel.Layer {
	t.Helper()
	return layerOn(t, redis.Options{URLs: []string{"redis://" + address}})
}

func layerOn(t *testing.T, options redis.Options) *channel.Layer {
	t.Helper()
	layer := channel.New(channel.Options{
		Transport: connect(t, options),
		History: []channel.HistoryRule{
			{Pattern: "kept*", Keep: channel.Keep{Messages: 100_000, Bytes: -1}}},
	})
	t.Cleanup(func() { layer.Close(context.Background()) })
	return layer
}

// TestKeptGroupIsWhole, however the network of a member's process breaks: each message
// comes once, in order, and no gap is told.
func TestKeptGroupIsWhole(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	proxy := servicetest.StartProxy(t, server.Addr)
	sender := newLayer(t, server.Addr)
	var log logOf
	reader := layerOn(t, redis.Options{URLs: []string{"redis://" + proxy.Addr}, Logger: log.logger()})
	m := join(t, reader, "kept", "loose")
	sent := 0
	send := func(count int) {
		for range count {
			sent++
			line := channel.NewMessage("line", strconv.AppendInt(nil, int64(sent), 10))
			if _, err := sender.GroupSend(t.Context(), "kept", line); err != nil {
				t.Fatal(err)
			}
		}
	}
	send(100)
	for notices, fault := range []func(){proxy.Drop, proxy.Cut, proxy.Silence} {
		fault()
		send(50)
		log.wants(t, "is lost", notices+1)
		send(50)
		proxy.Heal()
		m.wants(t, channel.TypeResync, notices+1) // of the group that is not kept
		send(50)
		m.wants(t, "line", sent)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := 1
	for _, message := range m.got {
		switch message.Type() {
		case "line":
			if string(message.Payload()) != strconv.Itoa(next) {
				t.Fatalf("%s instead of %d", message.Payload(), next)
			}
			next++
		case channel.TypeResync:
			if want := `{"type":"channel.resync","groups":["loose"]}`; string(message.Payload()) != want {
				t.Errorf("told %s", message.Payload())
			}
		default:
			t.Errorf("%s %s", message.Type(), message.Payload())
		}
	}
}

// TestKeptGroupOfAFlushedBroker: members are told of the gap, and go on.
func TestKeptGroupOfAFlushedBroker(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	sender, reader := newLayer(t, server.Addr), newLayer(t, server.Addr)
	m := join(t, reader, "kept")
	line := channel.NewMessage("line", []byte("x"))
	send := func() {
		t.Helper()
		eventually(t, func() error {
			_, err := sender.GroupSend(t.Context(), "kept", line)
			return err
		})
	}
	send()
	m.wants(t, "line", 1)
	server.Must("FLUSHALL")
	send()
	m.wants(t, channel.TypeGap, 1)
	server.Kill()
	if _, err := sender.GroupSend(t.Context(), "kept", line); err == nil {
		t.Error("sent without a broker")
	}
	server.Restart()
	eventually(t, func() error { // whatever is lost while the member is not back is told
		send()
		if m.count(channel.TypeGap) < 2 {
			return errors.New("no gap")
		}
		return nil
	})
	before := m.count("line")
	send()
	eventually(t, func() error {
		if m.count("line") <= before {
			return errors.New("nothing comes any more")
		}
		return nil
	})
}
