package channel_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
)

// What the layer says of a group and a queue loses, its reader is told of, behind what
// was there when it was lost: so that it can ask.
func TestLostNotices(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy channel.Policy
		pause  time.Duration
		left   []string // types that are read
	}{
		{"drop newest", channel.DropNewest, 0, []string{"text", "text", "channel.resync"}},
		{"block", channel.Block, 0, []string{"text", "text", "channel.resync"}},
		{"drop oldest", channel.DropOldest, 0,
			[]string{"channel.resync", "presence.join", "presence.join"}},
		{"coalesce", channel.Coalesce, 0,
			[]string{"channel.resync", "presence.join", "presence.join"}},
		{"expired", channel.CloseSlow, time.Minute, []string{"channel.resync"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer := newLayer(t, channel.Options{Expiry: 30 * time.Second})
				capacity := channel.Capacity{Messages: 2}
				if test.pause > 0 {
					capacity.Messages = 100
				}
				reader := open(t, layer, channel.InboxOptions{Policy: test.policy, Capacity: capacity})
				join(t, reader, "quiet", "room")
				send(t, layer, reader.Name(), "1")
				if test.policy != channel.Coalesce {
					send(t, layer, reader.Name(), "2")
				}
				for i := range 5 {
					other := open(t, layer, channel.InboxOptions{Policy: channel.DropOldest})
					if _, err := other.Enter(ctx, "room", i); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				time.Sleep(test.pause)
				for i, want := range test.left {
					m, err := reader.Receive(ctx)
					if err != nil || m.Type() != want {
						t.Fatalf("%d: received %s %s, want %s", i, m.Type(), m.Payload(), want)
					}
					if want == channel.TypeResync &&
						string(m.Payload()) != `{"type":"channel.resync","groups":["room"]}` {
						t.Errorf("received %s", m.Payload())
					}
				}
				send(t, layer, reader.Name(), "next")
				if got := receive(t, reader); got != "next" {
					t.Errorf("received %q", got)
				}
				if got := layer.Stats(); got.Resyncs != 1 {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// Who is never fast enough for all that is said is told, too, and at last knows.
func TestLostNoticesOfAReaderThatIsAlwaysSlow(t *testing.T) {
	for _, policy := range []channel.Policy{
		channel.DropNewest, channel.Block, channel.DropOldest, channel.Coalesce,
	} {
		t.Run(policy.String(), func(t *testing.T) { lostNoticesOfASlowReader(t, policy) })
	}
}

func lostNoticesOfASlowReader(t *testing.T, policy channel.Policy) {
	layer := newLayer(t, channel.Options{})
	reader := open(t, layer, channel.InboxOptions{
		Policy: policy, Capacity: channel.Capacity{Messages: 8},
	})
	join(t, reader, "room")
	say := func(typ string) {
		message := channel.NewMessage(typ, []byte(`{"groups":["room","elsewhere"]}`))
		if _, err := layer.GroupSend(ctx, "room", message); err != nil {
			t.Fatal(err)
		}
	}
	resyncs := 0
	read := func() string {
		m, err := reader.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Payload()) == `{"type":"channel.resync","groups":["room"]}` {
			resyncs++
		}
		return m.Type()
	}
	for range 500 {
		say("line")
		say(channel.TypeResync)
		read()
	}
	if resyncs < 10 || resyncs > 100 {
		t.Errorf("told %d times in 500", resyncs)
	}
	say(channel.TypeResync)
	resyncs = 0
	for reader.Stats().Unread > 0 {
		read()
	}
	say("next")
	for read() != "next" {
	}
	if resyncs == 0 || resyncs > 2 {
		t.Errorf("told %d times at last", resyncs)
	}
}

// Two notices of one type are not two versions of one: they are not coalesced.
func TestNoticesDoNotCoalesce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t, channel.Options{})
		reader := open(t, layer, channel.InboxOptions{Policy: channel.Coalesce})
		join(t, reader, "room")
		for i := range 3 {
			other := open(t, layer, channel.InboxOptions{Policy: channel.DropOldest})
			if _, err := other.Enter(ctx, "room", i); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		var shown []string
		for range 3 {
			var notice struct{ Show int }
			if err := json.Unmarshal([]byte(receive(t, reader)), &notice); err != nil {
				t.Fatal(err)
			}
			shown = append(shown, fmt.Sprint(notice.Show))
		}
		if !slices.Equal(shown, []string{"0", "1", "2"}) {
			t.Errorf("told of %q", shown)
		}
	})
}

// Nobody is told of what a flush takes away, whose groups are left.
func TestFlushOwesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t, channel.Options{})
		reader := open(t, layer, channel.InboxOptions{})
		if _, err := reader.Enter(ctx, "room", 1); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		layer.Flush()
		send(t, layer, reader.Name(), "next")
		if got := receive(t, reader); got != "next" {
			t.Errorf("received %q", got)
		}
	})
}
