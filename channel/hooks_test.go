package channel_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// ways are how a function of a user ends, other than by returning.
var ways = map[string]func(){
	"panic":  func() { panic("ouch") },
	"Goexit": runtime.Goexit,
}

// sabotage is a transport that ends as it is told to, in the method of that name.
type sabotage struct {
	channel.Transport
	in  atomic.Pointer[string]
	end func()
}

func (s *sabotage) at(method string) {
	if in := s.in.Load(); in != nil && *in == method {
		s.end()
	}
}

func (s *sabotage) Publish(ctx context.Context, subject string, payload []byte) error {
	s.at("Publish")
	return s.Transport.Publish(ctx, subject, payload)
}

func (s *sabotage) Subscribe(
	ctx context.Context, subject string, deliver func([]byte),
) (channel.Subscription, error) {
	s.at("Subscribe")
	sub, err := s.Transport.Subscribe(ctx, subject, deliver)
	return &sabotaged{sub, s}, err
}

func (s *sabotage) Close(ctx context.Context) error {
	defer s.Transport.Close(ctx)
	s.at("Close")
	return nil
}

type sabotaged struct {
	channel.Subscription
	of *sabotage
}

func (s *sabotaged) Unsubscribe() error {
	defer s.Subscription.Unsubscribe()
	s.of.at("Unsubscribe")
	return nil
}

// apart runs f on a goroutine of its own, which f may end.
func apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// However a function of one user ends, the others notice nothing: they get the
// message, here and in another process, the figures are right (newLayer looks), no
// lock is held, and everything goes on.
func TestFunctionsOfUsers(t *testing.T) {
	for way := range ways {
		for _, function := range []string{
			"Deliver", "Key", "OnClose", "OnDrop", "Publish", "Subscribe", "Unsubscribe", "Close",
		} {
			t.Run(function+" "+way, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { endIn(t, function, way) })
			})
		}
	}
}

func endIn(t *testing.T, function, way string) {
	end := ways[way]
	var broker channel.Broker
	var log bytes.Buffer
	transport := &sabotage{Transport: broker.Connect(), end: end}
	at := func(name string) {
		if name == function {
			end()
		}
	}
	layer := channel.New(channel.Options{
		Transport: transport, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		OnDrop: func(channel.Drop) { at("OnDrop") },
	})
	far := newLayer(t, channel.Options{Transport: broker.Connect()})
	good := []*channel.Inbox{
		open(t, layer, channel.InboxOptions{}), open(t, layer, channel.InboxOptions{}),
		open(t, far, channel.InboxOptions{}),
	}
	join(t, good[0], "room")
	closed := 0
	bad := open(t, layer, channel.InboxOptions{
		Policy: channel.Coalesce, Key: func(channel.Message) string { at("Key"); return "" },
		OnClose: func(error) { closed++; at("OnClose") },
	})
	sink := open(t, layer, channel.InboxOptions{
		Deliver: func(channel.Message) channel.Verdict { at("Deliver"); return channel.Full },
		OnClose: func(error) { closed++; at("OnClose") },
	})
	join(t, bad, "room", "own")
	join(t, sink, "room", "other")
	join(t, good[1], "room")
	join(t, good[2], "room")
	transport.in.Store(&function)

	apart(func() { _, _ = layer.GroupSend(ctx, "room", text("here")) })
	apart(func() { _, _ = far.GroupSend(ctx, "room", text("there")) })
	apart(func() { _ = layer.Send(ctx, bad.Name(), text("direct")) })
	apart(func() { _ = far.Send(ctx, good[0].Name(), text("direct")) })
	apart(func() { _ = good[0].Join(ctx, "new") })
	apart(func() { _ = bad.Join(ctx, "new") })
	apart(func() { bad.Leave("own") })
	apart(func() { _, _ = layer.Open(ctx, channel.InboxOptions{Name: "jobs"}) })
	apart(func() { bad.Close() })
	apart(func() { _, _ = layer.KickGroup(ctx, "room", parley.ErrAuthExpired) })
	for i, want := range [][]string{{"here", "there", "direct"}, {"here", "there"},
		{"here", "there"}} {
		if i == 2 && function == "Publish" {
			want = want[1:] // the one that could not be published
		}
		inbox := good[i]
		if got := int(inbox.Stats().Enqueued); got != len(want) {
			t.Errorf("inbox %d has %d messages, want %q", i, got, want)
		}
		if inbox.Err() == nil && (i < 2 || function != "Publish") {
			t.Errorf("inbox %d was not kicked", i)
		}
	}
	if closed != 2 || bad.Err() == nil || sink.Err() == nil {
		t.Errorf("%d times OnClose, closed with %v and %v", closed, bad.Err(), sink.Err())
	}
	apart(func() { _ = layer.Close(ctx) })
	accounted(t, layer)
	logs := slices.Contains([]string{"OnClose", "OnDrop", "Unsubscribe"}, function) || // nobody is told
		way == "Goexit" && (function == "Deliver" || function == "Key") // nor is who has sent
	ofInbox := logs && function != "Unsubscribe"
	if strings.Contains(log.String(), function) != logs ||
		strings.Contains(log.String(), "inbox=inbox.") != ofInbox {
		t.Errorf("log %q", log.String())
	}
}

// Who waits for another call's subscribing does not wait for ever.
func TestSubscribeEndsWhileOthersWait(t *testing.T) {
	for way, end := range ways {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broker channel.Broker
				hold, calls := make(chan struct{}), atomic.Int32{}
				transport := &sabotage{Transport: broker.Connect(), end: func() {
					if calls.Add(1) == 1 {
						<-hold
						end()
					}
				}}
				layer := newLayer(t, channel.Options{Transport: transport})
				first, second := open(t, layer, channel.InboxOptions{}), open(t, layer, channel.InboxOptions{})
				method := "Subscribe"
				transport.in.Store(&method)
				go func() { _ = first.Join(ctx, "room") }()
				synctest.Wait()
				joined := make(chan error)
				go func() { joined <- second.Join(ctx, "room") }()
				synctest.Wait()
				close(hold)
				if err := <-joined; err != nil || len(layer.Members("room")) != 1 {
					t.Errorf("%v, members %q", err, layer.Members("room"))
				}
			})
		})
	}
}

// What a transport's function panics with is the error of the call.
func TestTransportPanics(t *testing.T) {
	var broker channel.Broker
	transport := &sabotage{Transport: broker.Connect(), end: func() { panic("ouch") }}
	layer := channel.New(channel.Options{Transport: transport})
	inbox := open(t, layer, channel.InboxOptions{})
	for _, test := range []struct {
		method string
		call   func() error
	}{
		{"Publish", func() error { _, err := layer.GroupSend(ctx, "room", text("x")); return err }},
		{"Subscribe", func() error { return inbox.Join(ctx, "room") }},
		{"Close", func() error { return layer.Close(ctx) }},
	} {
		transport.in.Store(&test.method)
		var panicked *parley.PanicError
		if err := test.call(); !errors.As(err, &panicked) || panicked.Value != "ouch" {
			t.Errorf("%s: %v", test.method, err)
		}
	}
}
