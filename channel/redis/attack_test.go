package redis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestStrangePrefixes: each is one system of its own, whatever is in it.
func TestStrangePrefixes(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	for _, prefix := range []string{
		"a b", "a\nb", "a\r\nDEL x", "\x00\xff", "日本", "*", "[a]?", "a:b:", strings.Repeat("p", 5000),
	} {
		transport := connect(t, redis.Options{URLs: []string{url(server)}, Prefix: prefix})
		heard := make(chan string, 3)
		_, err1 := transport.Subscribe(t.Context(), "a", func(p []byte) { heard <- string(p) })
		_, err2 := transport.QueueSubscribe(t.Context(), "b", func(p []byte) { heard <- string(p) })
		_, err3 := transport.Follow(t.Context(), "c", func(e channel.Entry) { heard <- string(e.Payload) })
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatalf("%.20q: %v", prefix, err)
		}
		send := map[string]func() error{
			"plain":  func() error { return transport.Publish(t.Context(), "a", []byte("plain")) },
			"shared": func() error { return transport.Publish(t.Context(), "b", []byte("shared")) },
			"kept": func() error {
				_, err := transport.Append(t.Context(), "c", []byte("kept"), keepAll)
				return err
			},
		}
		for want, call := range send {
			if err := call(); err != nil {
				t.Fatalf("%.20q: %s: %v", prefix, want, err)
			}
			if got := <-heard; got != want {
				t.Errorf("%.20q: %s came, want %s", prefix, got, want)
			}
		}
		renew(t, transport, time.Minute, channel.LeaseNew)
		record := channel.Record{Subject: "room", Key: "k", Value: []byte("s room t.a k x\n")}
		if err := transport.Enter(t.Context(), "t.a", []channel.Record{record}); err != nil {
			t.Fatal(err)
		}
		present(t, transport, "room", record)
	}
}

// TestRightsAreTakenAway from a program that listens, and given back: it is told, sockets
// stay open, and nothing but time is lost.
func TestRightsAreTakenAway(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t, rights()...)
	const rounds = 3
	var log logOf
	far := layerOn(t, redis.Options{
		URLs: []string{"redis://parley:secret@" + server.Addr}, Logger: log.logger()})
	near := newLayer(t, server.Addr)
	m := join(t, far, "room", "kept")
	for round := 1; round <= rounds; round++ {
		server.Must("ACL", "SETUSER", "parley", "resetchannels")
		log.wants(t, "may not subscribe", round)
		if _, err := near.GroupSend(t.Context(), "kept", channel.NewMessage("kept", nil)); err != nil {
			t.Fatal(err)
		}
		server.Must("ACL", "SETUSER", "parley", "&parley:*")
		m.wants(t, channel.TypeResync, round)
		m.wants(t, "kept", round)
		if _, err := near.GroupSend(t.Context(), "room", channel.NewMessage("room", nil)); err != nil {
			t.Fatal(err)
		}
		m.wants(t, "room", round)
	}
	if m.Err() != nil || m.count(channel.TypeGap) != 0 {
		t.Errorf("%v, %d gaps", m.Err(), m.count(channel.TypeGap))
	}
	if err := m.Join(t.Context(), "more"); err != nil {
		t.Error(err)
	}
	t.Logf("rights were taken %d times, and %d notices came", rounds, m.count(channel.TypeResync))
}
