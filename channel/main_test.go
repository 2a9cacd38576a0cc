package channel_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parleygo/parley/channel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

func newLayer(t testing.TB, options channel.Options) *channel.Layer {
	t.Helper()
	layer := channel.New(options)
	t.Cleanup(func() {
		if err := layer.Close(ctx); err != nil {
			t.Errorf("close layer: %v", err)
		}
		accounted(t, layer)
	})
	return layer
}

// accounted looks at the figures of a closed layer, when what its goroutines were at is
// done.
func accounted(t testing.TB, layer *channel.Layer) {
	t.Helper()
	stats := layer.Stats()
	for range 60_000 {
		s := stats.Stats
		if s.Enqueued == s.Received+s.Evicted+s.Coalesced+s.Expired+s.Discarded {
			break
		}
		time.Sleep(time.Millisecond)
		stats = layer.Stats()
	}
	if stats.Inboxes+stats.Groups+stats.Members+stats.Unread+stats.Subscriptions != 0 {
		t.Errorf("gauges of a closed layer: %+v", stats)
	}
	s := stats.Stats
	if s.Enqueued != s.Received+s.Evicted+s.Coalesced+s.Expired+s.Discarded {
		t.Errorf("messages unaccounted for: %+v", s)
	}
}

func open(t testing.TB, layer *channel.Layer, options channel.InboxOptions) *channel.Inbox {
	t.Helper()
	inbox, err := layer.Open(ctx, options)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return inbox
}

func join(t testing.TB, inbox *channel.Inbox, groups ...channel.Group) {
	t.Helper()
	for _, group := range groups {
		if err := inbox.Join(ctx, group); err != nil {
			t.Fatalf("join %s: %v", group, err)
		}
	}
}

func text(s string) channel.Message { return channel.NewMessage("text", []byte(s)) }

func send(t testing.TB, layer *channel.Layer, name channel.Name, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if err := layer.Send(ctx, name, text(s)); err != nil {
			t.Fatalf("send %q: %v", s, err)
		}
	}
}

func groupSend(
	t testing.TB, layer *channel.Layer, group channel.Group, s string,
) channel.SendResult {
	t.Helper()
	result, err := layer.GroupSend(ctx, group, text(s))
	if err != nil {
		t.Fatalf("group send %q: %v", s, err)
	}
	if result.Matched != result.Enqueued+result.Dropped {
		t.Fatalf("group send %q: sum does not hold: %+v", s, result)
	}
	return result
}

// unread receives all that is there, without waiting.
func unread(t testing.TB, inbox *channel.Inbox) (texts []string) {
	t.Helper()
	for inbox.Stats().Unread > 0 {
		texts = append(texts, receive(t, inbox))
	}
	return texts
}

func receive(t testing.TB, inbox *channel.Inbox) string {
	t.Helper()
	message, err := inbox.Receive(ctx)
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	return string(message.Payload())
}
