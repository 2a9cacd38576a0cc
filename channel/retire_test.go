package channel_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
)

// A reader that retires gets what it has not read; who waits for room is told.
func TestRetire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t, channel.Options{Expiry: time.Minute})
		inbox := open(t, layer, channel.InboxOptions{
			Name: "jobs", Policy: channel.Block, Capacity: channel.Capacity{Messages: 3},
		})
		join(t, inbox, "workers")
		send(t, layer, "jobs", "old")
		time.Sleep(time.Minute)
		send(t, layer, "jobs", "a", "b", "c")
		waiting := make(chan error)
		go func() { waiting <- layer.Send(context.Background(), "jobs", text("d")) }()
		synctest.Wait()

		var got []string
		for _, message := range inbox.Retire() {
			got = append(got, string(message.Payload()))
		}
		if want := []string{"a", "b", "c"}; !slices.Equal(got, want) {
			t.Errorf("unread %q, want %q", got, want)
		}
		if err := <-waiting; !errors.Is(err, channel.ErrNoInbox) {
			t.Errorf("a sender that waited: %v", err)
		}
		stats := inbox.Stats()
		if stats.Received != 3 || stats.Expired != 1 || stats.Unread != 0 ||
			!errors.Is(inbox.Err(), channel.ErrClosed) {
			t.Errorf("%+v, %v", stats, inbox.Err())
		}
		if again := inbox.Retire(); again != nil || len(layer.Members("workers")) != 0 {
			t.Errorf("a second time %v, members %v", again, layer.Members("workers"))
		}
		open(t, layer, channel.InboxOptions{Name: "jobs"}).Close() // the name is free
	})
}

// What has waited too long is no work to leave to others.
func TestRetireLeavesOutWhatHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := newLayer(t, channel.Options{})
		inbox := open(t, layer, channel.InboxOptions{})
		send(t, layer, inbox.Name(), "old")
		time.Sleep(59 * time.Second)
		send(t, layer, inbox.Name(), "young")
		time.Sleep(time.Second)
		if got := inbox.Retire(); len(got) != 1 || string(got[0].Payload()) != "young" {
			t.Errorf("unread %v", got)
		}
		if stats := inbox.Stats(); stats.Expired != 1 || stats.Received != 1 || stats.Discarded != 0 {
			t.Errorf("%+v", stats)
		}
	})
}
