package channel_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
)

// fill sends until the inbox is full and returns how many it has taken.
func fill(t *testing.T, layer *channel.Layer, name channel.Name, payload int) int {
	t.Helper()
	for n := 0; ; n++ {
		switch err := layer.Send(ctx, name, channel.NewMessage("fill", make([]byte, payload))); {
		case errors.Is(err, channel.ErrFull):
			return n
		case err != nil:
			t.Fatal(err)
		}
	}
}

func TestB6_9_B6_10_E13_Capacity(t *testing.T) {
	layer := newLayer(t, channel.Options{Rules: []channel.Rule{
		{Pattern: "job.big", Capacity: channel.Capacity{Messages: 7}},
		{Pattern: "job.*", Capacity: channel.Capacity{Messages: 3}},
		{Pattern: "job.small", Capacity: channel.Capacity{Messages: 1}}, // never reached
		{Pattern: "bulk-?", Capacity: channel.Capacity{Bytes: 100}},
		{Pattern: "chat.*!*", Capacity: channel.Capacity{Messages: 4}},
	}})
	for _, test := range []struct {
		name    string
		inbox   channel.InboxOptions
		payload int
		want    int
	}{
		{"default in messages", channel.InboxOptions{Name: "any"}, 0, 256},
		{"default in bytes", channel.InboxOptions{Name: "other"}, 1 << 18, 4},
		{"first rule", channel.InboxOptions{Name: "job.big"}, 0, 7},
		{"glob", channel.InboxOptions{Name: "job.x"}, 0, 3},
		{"an earlier rule wins", channel.InboxOptions{Name: "job.small"}, 0, 3},
		{"bytes by rule", channel.InboxOptions{Name: "bulk-1"}, 30, 3},
		{"messages stay default", channel.InboxOptions{Name: "bulk-2"}, 0, 256},
		{"process-specific name", channel.InboxOptions{Prefix: "chat"}, 0, 4},
		{"own wish first", channel.InboxOptions{Name: "job.own", Capacity: channel.Capacity{Messages: 2}},
			0, 2},
		{"empty takes one of any size",
			channel.InboxOptions{Name: "tiny", Capacity: channel.Capacity{Bytes: 1}}, 1000, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			inbox := open(t, layer, test.inbox)
			for range 2 { // the room is there again when all is read
				if got := fill(t, layer, inbox.Name(), test.payload); got != test.want {
					t.Errorf("took %d messages of %d bytes, want %d", got, test.payload, test.want)
				}
				unread(t, inbox)
			}
		})
	}
}

// B7.2: the reference gives all sockets of a process one quota.
func TestB7_2_CapacityIsPerInbox(t *testing.T) {
	layer := newLayer(t, channel.Options{Capacity: channel.Capacity{Messages: 3}})
	busy, quiet := open(t, layer, channel.InboxOptions{}), open(t, layer, channel.InboxOptions{})
	fill(t, layer, busy.Name(), 1)
	if got := fill(t, layer, quiet.Name(), 1); got != 3 {
		t.Errorf("B6.14: beside a busy inbox a quiet one takes %d messages", got)
	}
}

func TestB6_11_Expiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t, channel.Options{Capacity: channel.Capacity{Messages: 2}})
		inbox := open(t, layer, channel.InboxOptions{Policy: channel.DropNewest})
		join(t, inbox, "room")
		send(t, layer, inbox.Name(), "old")
		time.Sleep(59 * time.Second)
		groupSend(t, layer, "room", "young")
		if err := layer.Send(ctx, inbox.Name(), text("too many")); !errors.Is(err, channel.ErrFull) {
			t.Errorf("full: %v", err)
		}
		time.Sleep(time.Second)
		if got := groupSend(t, layer, "room", "last"); got.Enqueued != 1 {
			t.Errorf("an expired message leaves its room: %+v", got)
		}
		if got := unread(t, inbox); !slices.Equal(got, []string{"young", "last"}) {
			t.Errorf("received %q", got)
		}
		time.Sleep(time.Hour)
		if got := groupSend(t, layer, "room", "later"); got.Enqueued != 1 {
			t.Errorf("expiry must never touch membership: %+v", got)
		}
		if stats := inbox.Stats(); stats.Expired != 1 || stats.Dropped != 1 || stats.Unread != 1 {
			t.Errorf("%+v", stats)
		}
	})
}

func TestB6_11_ExpiryOptions(t *testing.T) {
	for _, test := range []struct {
		name   string
		expiry time.Duration
		wait   time.Duration
		want   int
	}{
		{"default, in time", 0, 60*time.Second - 1, 1},
		{"default, late", 0, 60 * time.Second, 0},
		{"own", time.Minute * 5, time.Minute * 4, 1},
		{"for ever", -1, 1000 * time.Hour, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer := newLayer(t, channel.Options{Expiry: test.expiry})
				inbox := open(t, layer, channel.InboxOptions{})
				send(t, layer, inbox.Name(), "x")
				time.Sleep(test.wait)
				done, cancel := contextWithTimeout(time.Second)
				defer cancel()
				_, err := inbox.Receive(done)
				if got := layer.Stats(); (err == nil) != (test.want == 1) || got.Unread != 0 ||
					int(got.Expired) != 1-test.want {
					t.Errorf("received %v, %+v", err, got)
				}
			})
		})
	}
}
