package channel_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// sink answers with a verdict and remembers what it was given.
type sink struct {
	verdict channel.Verdict
	got     []string
	closed  []error
}

func (s *sink) options(policy channel.Policy) channel.InboxOptions {
	return channel.InboxOptions{
		Policy: policy,
		Deliver: func(m channel.Message) channel.Verdict {
			s.got = append(s.got, string(m.Payload()))
			return s.verdict
		},
		OnClose: func(err error) { s.closed = append(s.closed, err) },
	}
}

// The verdict of a sink, and what becomes of a group send and a direct one.
func TestSinkVerdicts(t *testing.T) {
	for _, test := range []struct {
		name    string
		verdict channel.Verdict
		policy  channel.Policy
		taken   bool
		direct  error
		cause   error // why a group send closes the inbox
		stats   channel.Stats
	}{
		{"accepted", channel.Accepted, channel.CloseSlow, true, nil, nil,
			channel.Stats{Enqueued: 2, Received: 2}},
		{"displaced", channel.Displaced, channel.DropOldest, true, nil, nil,
			channel.Stats{Enqueued: 2, Evicted: 2}},
		{"full, close", channel.Full, channel.CloseSlow, false, channel.ErrFull, parley.ErrSlowConsumer,
			channel.Stats{Dropped: 2}},
		{"full, drop newest", channel.Full, channel.DropNewest, false, channel.ErrFull, nil,
			channel.Stats{Dropped: 2}},
		{"full, drop oldest", channel.Full, channel.DropOldest, false, channel.ErrFull, nil,
			channel.Stats{Dropped: 2}},
		{"full, block", channel.Full, channel.Block, false, channel.ErrFull, nil,
			channel.Stats{Dropped: 2}},
		{"full, coalesce", channel.Full, channel.Coalesce, false, channel.ErrFull, nil,
			channel.Stats{Dropped: 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			layer := newLayer(t, channel.Options{})
			s := &sink{verdict: test.verdict}
			inbox := open(t, layer, s.options(test.policy))
			join(t, inbox, "room")
			if err := layer.Send(ctx, inbox.Name(), text("direct")); !errors.Is(err, test.direct) {
				t.Errorf("direct: %v", err)
			}
			if got := groupSend(t, layer, "room", "group"); got.Matched != 1 ||
				(got.Enqueued == 1) != test.taken {
				t.Errorf("group: %+v", got)
			}
			if !slices.Equal(s.got, []string{"direct", "group"}) {
				t.Errorf("the sink got %q", s.got)
			}
			if test.cause == nil && s.closed != nil || test.cause != nil &&
				(len(s.closed) != 1 || !errors.Is(s.closed[0], test.cause)) {
				t.Errorf("closed with %v, want %v", s.closed, test.cause)
			}
			if got := inbox.Stats(); got != test.stats {
				t.Errorf("stats %+v, want %+v", got, test.stats)
			}
			if got := layer.Stats().Stats; got != test.stats {
				t.Errorf("layer's stats %+v, want %+v", got, test.stats)
			}
		})
	}
}

func TestSinkThatIsClosedLeaves(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	s := &sink{verdict: channel.Closed}
	inbox := open(t, layer, s.options(channel.CloseSlow))
	join(t, inbox, "room", "other")
	if got := groupSend(t, layer, "room", "x"); got != (channel.SendResult{Matched: 1, Dropped: 1}) {
		t.Errorf("%+v", got)
	}
	if got := groupSend(t, layer, "other", "y"); got != (channel.SendResult{}) {
		t.Errorf("%+v", got)
	}
	if len(s.closed) != 1 || !errors.Is(s.closed[0], parley.ErrDisconnected) || len(s.got) != 1 {
		t.Errorf("closed with %v after %q", s.closed, s.got)
	}
}

// A direct send learns of it, and closes the inbox as well.
func TestSinkThatIsClosedRefuses(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	s := &sink{verdict: channel.Closed}
	inbox := open(t, layer, s.options(channel.CloseSlow))
	if err := layer.Send(ctx, inbox.Name(), text("x")); !errors.Is(err, channel.ErrNoInbox) {
		t.Errorf("send: %v", err)
	}
	if len(s.closed) != 1 || !errors.Is(s.closed[0], parley.ErrDisconnected) {
		t.Errorf("closed with %v", s.closed)
	}
	if stats := layer.Stats(); stats.Dropped != 1 || stats.Inboxes != 0 {
		t.Errorf("%+v", stats)
	}
}

func TestSinkHasNoReceive(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	inbox := open(t, layer, (&sink{}).options(channel.CloseSlow))
	if _, err := inbox.Receive(ctx); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("receive: %v", err)
	}
}

// A sink may use the layer: it is called without locks.
func TestSinkMaySendAndClose(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	answers := open(t, layer, channel.InboxOptions{})
	var inbox *channel.Inbox
	inbox = open(t, layer, channel.InboxOptions{Deliver: func(m channel.Message) channel.Verdict {
		inbox.Leave("room")
		send(t, layer, answers.Name(), "heard "+string(m.Payload()))
		inbox.Close()
		return channel.Accepted
	}})
	join(t, inbox, "room")
	groupSend(t, layer, "room", "x")
	if got := receive(t, answers); got != "heard x" {
		t.Errorf("received %q", got)
	}
}

// A panic in one member's function costs that member only.
func TestPanicOfAMember(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	for range 3 {
		join(t, open(t, layer, (&sink{}).options(channel.CloseSlow)), "room")
	}
	bad := map[string]*channel.Inbox{
		"sink": open(t, layer, channel.InboxOptions{Deliver: func(channel.Message) channel.Verdict {
			panic("ouch")
		}}),
		"key": open(t, layer,
			channel.InboxOptions{Policy: channel.Coalesce, Key: func(channel.Message) string {
				panic("ouch")
			}}),
	}
	for _, inbox := range bad {
		join(t, inbox, "room")
	}
	join(t, open(t, layer, channel.InboxOptions{}), "room")
	want := channel.SendResult{Matched: 6, Enqueued: 4, Dropped: 2}
	if got := groupSend(t, layer, "room", "x"); got != want {
		t.Errorf("%+v", got)
	}
	for name, inbox := range bad {
		var panicked *parley.PanicError
		if err := inbox.Err(); !errors.As(err, &panicked) || panicked.Value != "ouch" ||
			!strings.Contains(string(panicked.Stack), "sink_test.go") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPanicOfADirectReceiver(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	inbox := open(t, layer, channel.InboxOptions{Deliver: func(channel.Message) channel.Verdict {
		panic("ouch")
	}})
	if err := layer.Send(ctx, inbox.Name(), text("x")); !errors.Is(err, channel.ErrNoInbox) {
		t.Errorf("send: %v", err)
	}
	if !errors.Is(inbox.Err(), parley.ErrAppPanic) {
		t.Errorf("inbox: %v", inbox.Err())
	}
	if got := layer.Stats(); got.Dropped != 1 {
		t.Errorf("%+v", got)
	}
}
