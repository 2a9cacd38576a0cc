package channel_test

import (
	"slices"
	"testing"

	"github.com/parleygo/parley/channel"
)

func TestF4_CoalesceKeepsTheLatestPerKey(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	byType := open(t, layer, channel.InboxOptions{Policy: channel.Coalesce})
	byKey := open(t, layer, channel.InboxOptions{
		Policy:   channel.Coalesce,
		Capacity: channel.Capacity{Messages: 4},
		Key: func(m channel.Message) string {
			if m.Type() == "line" {
				return "" // a line of chat is not replaced
			}
			return string(m.Payload()[:1])
		},
	})
	join(t, byType, "room")
	join(t, byKey, "room")
	for _, m := range []struct{ typ, payload string }{
		{"cursor", "a1"}, {"line", "hi"}, {"cursor", "b1"}, {"cursor", "a2"}, {"line", "ho"},
		{"cursor", "a3"}, {"cursor", "b2"},
	} {
		result, err := layer.GroupSend(ctx, "room", channel.NewMessage(m.typ, []byte(m.payload)))
		if err != nil || result.Enqueued != 2 {
			t.Fatalf("%+v %v", result, err)
		}
	}
	if got := unread(t, byType); !slices.Equal(got, []string{"b2", "ho"}) {
		t.Errorf("by type: %q", got)
	}
	if got := unread(t, byKey); !slices.Equal(got, []string{"a3", "hi", "b2", "ho"}) {
		t.Errorf("by key, in the place of the older one: %q", got)
	}
	if stats := byKey.Stats(); stats.Coalesced != 3 || stats.Evicted != 0 {
		t.Errorf("%+v", stats)
	}
}

// What is kept comes in the order of its log, or whoever resumes behind the last position
// that it has seen would hear something twice.
func TestF4_CoalesceKeepsTheOrderOfALog(t *testing.T) {
	layer := newLayer(t, channel.Options{History: []channel.HistoryRule{{Pattern: "kept"}}})
	inbox := open(t, layer, channel.InboxOptions{
		Policy: channel.Coalesce, Capacity: channel.Capacity{Messages: 3},
		Key: func(m channel.Message) string { return string(m.Payload()[:1]) },
	})
	join(t, inbox, "kept")
	for _, text := range []string{"a1", "b1", "a2", "c1", "b2", "a3", "d1", "c2"} {
		groupSend(t, layer, "kept", text)
	}
	last := uint64(0)
	for _, want := range []string{"a3", "d1", "c2"} {
		m, err := inbox.Receive(ctx)
		if err != nil || string(m.Payload()) != want || m.Position().Offset <= last {
			t.Errorf("received %s at %v, %v, want %s", m.Payload(), m.Position(), err, want)
		}
		last = m.Position().Offset
	}
	if got := inbox.Stats(); got.Coalesced != 3 || got.Evicted != 2 || got.Unread != 0 {
		t.Errorf("%+v", got)
	}
}

func TestF4_CoalesceStaysWithinBytes(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	inbox := open(t, layer, channel.InboxOptions{
		Policy:   channel.Coalesce,
		Capacity: channel.Capacity{Bytes: 10},
		Key:      func(m channel.Message) string { return string(m.Payload()[:1]) },
	})
	send(t, layer, inbox.Name(), "a", "b", "c", "b23456789")
	if got := unread(t, inbox); !slices.Equal(got, []string{"b23456789", "c"}) {
		t.Errorf("received %q", got)
	}
	send(t, layer, inbox.Name(), "a", "b", "a234567890123")
	if got := unread(t, inbox); !slices.Equal(got, []string{"a234567890123"}) {
		t.Errorf("the latest of a key is what stays: %q", got)
	}
}
