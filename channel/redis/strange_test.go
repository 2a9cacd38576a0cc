package redis_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestStrangePayloads on our channels are counted and skipped, and the next is
// delivered.
func TestStrangePayloads(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	transport := connect(t, redis.Options{URLs: []string{url(server)}})
	layer := channel.New(channel.Options{
		Transport: connect(t, redis.Options{URLs: []string{url(server)}})})
	inbox, err := layer.Open(t.Context(), channel.InboxOptions{})
	if err == nil {
		err = inbox.Join(t.Context(), "room")
	}
	if err != nil {
		t.Fatal(err)
	}
	entries := make(chan channel.Entry, 10)
	if _, err := transport.Follow(t.Context(), "log",
		func(e channel.Entry) { entries <- e }); err != nil {
		t.Fatal(err)
	}
	strange := []string{"x", "{[1]}", "epoch:1", "epoch:0", "e:-1", strings.Repeat("x", 9000)}
	for _, payload := range strange {
		server.Must("PUBLISH", "parley:sub:{parley.group.room}", payload)
		server.Must("PUBLISH", "parley:log:{log}", payload)
	}
	sender := channel.New(channel.Options{
		Transport: connect(t, redis.Options{URLs: []string{url(server)}})})
	if _, err := sender.GroupSend(t.Context(), "room", channel.NewMessage("a", nil)); err != nil {
		t.Fatal(err)
	}
	if message, err := inbox.Receive(t.Context()); err != nil || message.Type() != "a" {
		t.Errorf("%v, %v", message, err)
	}
	position, err := transport.Append(t.Context(), "log", []byte("ours"), keepAll)
	if err != nil {
		t.Fatal(err)
	}
	if e := <-entries; e.Position != position || string(e.Payload) != "ours" {
		t.Errorf("%+v", e)
	}
	if got := transport.Stats().Foreign; got != uint64(len(strange)) {
		t.Errorf("%d counted by the transport, want %d", got, len(strange))
	}
	if got := layer.Stats().BadEnvelopes; got != uint64(len(strange)) {
		t.Errorf("%d counted by the layer, want %d", got, len(strange))
	}
	for _, l := range []*channel.Layer{layer, sender} {
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestTenants who share a server do not meet: by their prefix, nor by their database,
// which pub/sub does not know.
func TestTenants(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	var heard atomic.Int64
	var all []*redis.Transport
	for _, tenant := range []redis.Options{
		{}, {Prefix: "other"}, {URLs: []string{url(server) + "/1"}},
		{Prefix: "other", URLs: []string{url(server) + "/1"}}, {Prefix: "other1"},
		{Prefix: "parley1"}, {Prefix: "parley:sub"}, {Prefix: "parley:1"},
	} {
		if tenant.URLs == nil {
			tenant.URLs = []string{url(server)}
		}
		transport := connect(t, tenant)
		all = append(all, transport)
		_, err1 := transport.Subscribe(t.Context(), "a", func([]byte) { heard.Add(1) })
		_, err2 := transport.QueueSubscribe(t.Context(), "a", func([]byte) { heard.Add(1) })
		_, err3 := transport.Follow(t.Context(), "a", func(channel.Entry) { heard.Add(1) })
		_, err4 := transport.Renew(t.Context(), "t.a", time.Minute)
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
	}
	for i, transport := range all {
		if err := transport.Publish(t.Context(), "a", nil); err != nil {
			t.Fatal(err)
		}
		position, err := transport.Append(t.Context(), "a", nil, keepAll)
		if err != nil || position.Offset != 1 {
			t.Errorf("%v, %v", position, err)
		}
		eventually(t, func() error {
			if got := heard.Load(); got < int64(3*(i+1)) {
				return fmt.Errorf("%d deliveries", got)
			}
			return nil
		})
		if records, err := transport.Present(t.Context(), "a"); err != nil || len(records) != 0 {
			t.Errorf("%v, %v", records, err)
		}
		record := []channel.Record{{Subject: "a", Key: "k"}}
		if err := transport.Enter(t.Context(), "t.a", record); err != nil {
			t.Error(err)
		}
	}
	if got := heard.Load(); got != int64(3*len(all)) {
		t.Errorf("%d deliveries, want %d", got, 3*len(all))
	}
}

// TestNothingIsLeft at the server when nobody listens any more.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	transport := connect(t, redis.Options{URLs: []string{url(server)}})
	var all []channel.Subscription
	for i := range 100 {
		subject := fmt.Sprint("s", i%50)
		one, err1 := transport.Subscribe(t.Context(), subject, func([]byte) {})
		two, err2 := transport.QueueSubscribe(t.Context(), subject, func([]byte) {})
		three, err3 := transport.Follow(t.Context(), subject, func(channel.Entry) {})
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		all = append(all, one, two, three)
	}
	if got := transport.Stats().Subscriptions; got != 150 {
		t.Errorf("%d subscriptions", got)
	}
	for _, subscription := range all {
		for range 2 {
			if err := subscription.Unsubscribe(); err != nil {
				t.Error(err)
			}
		}
	}
	eventually(t, func() error {
		answer, err := server.Command("PUBSUB", "CHANNELS")
		if err == nil && answer != "*0" {
			err = errors.New(answer)
		}
		return err
	})
	if got := transport.Stats().Subscriptions; got != 0 {
		t.Errorf("%d subscriptions", got)
	}
}

// TestDeliverPanics: the others hear of the payload, and of the next.
func TestDeliverPanics(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	transport := connect(t, redis.Options{URLs: []string{url(servicetest.StartRedis(t))},
		Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if _, err := transport.Subscribe(t.Context(), "a", func([]byte) { panic("no") }); err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 2)
	if _, err := transport.Subscribe(t.Context(), "a", func(payload []byte) {
		heard <- string(payload)
	}); err != nil {
		t.Fatal(err)
	}
	for _, payload := range []string{"1", "2"} {
		if err := transport.Publish(t.Context(), "a", []byte(payload)); err != nil {
			t.Fatal(err)
		}
		if got := <-heard; got != payload {
			t.Errorf("heard %s", got)
		}
	}
	if err := transport.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(log.String(), "deliver panicked"); got != 2 {
		t.Errorf("logged %d times", got)
	}
}

// TestCloseOfASilentServer does not outlast its ctx.
func TestCloseOfASilentServer(t *testing.T) {
	t.Parallel()
	proxy := servicetest.StartProxy(t, servicetest.StartRedis(t).Addr)
	transport := connect(t, redis.Options{URLs: []string{"redis://" + proxy.Addr}})
	if _, err := transport.Subscribe(t.Context(), "a", func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	proxy.Silence()
	published := make(chan error, 1)
	go func() { published <- transport.Publish(context.Background(), "a", nil) }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := transport.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("close: %v", err)
	}
	if err := <-published; !errors.Is(err, parley.ErrClosed) {
		t.Errorf("publish: %v", err)
	}
}
