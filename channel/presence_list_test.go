package channel_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/channeltest"
)

// diesSilent is the transport of a process that dies when it has entered somebody, before
// it has told of it.
type diesSilent struct {
	*channeltest.FaultyTransport
	dies bool
}

func (d *diesSilent) Enter(ctx context.Context, owner string, records []channel.Record) error {
	err := d.FaultyTransport.Enter(ctx, owner, records)
	if d.dies {
		d.Cut()
	}
	return err
}

// Whose process dies before it has told that they have come may be listed meanwhile, and is
// then to leave: members who were there already are told that they came, too.
func TestListedThoughNeverTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		layers, _ := presenceCluster(t, &broker, 1)
		host, in := newWitness(t, layers[0])
		enter(t, in, "host")
		synctest.Wait()
		host.check(t, layers[0], 1) // who is there is asked at the beginning
		dies := &diesSilent{channeltest.Faulty(broker.Connect(), 1, channeltest.Faults{}), true}
		guest := open(t, newLayer(t, channel.Options{Transport: dies}),
			channel.InboxOptions{Policy: channel.DropOldest})
		_, _ = guest.Enter(ctx, "room", "guest")
		_, in = newWitness(t, layers[0])
		enter(t, in, "new")
		present, err := layers[0].Present(ctx, "room")
		if err != nil || len(present) != 3 {
			t.Fatalf("%v, %v", present, err)
		}
		synctest.Wait()
		host.check(t, layers[0], 3)
		time.Sleep(time.Minute)
		synctest.Wait()
		host.check(t, layers[0], 3)
	})
}

// Who was there before is listed to those who come, and does not come once more.
func TestListedAreNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		layers, transports := presenceCluster(t, &broker, 2)
		for range 10 {
			enterRoom(t, layers[0], "was there")
		}
		synctest.Wait()
		comes, in := newWitness(t, layers[1])
		enter(t, in, "comes")
		if present, err := layers[1].Present(ctx, "room"); err != nil || len(present) != 11 {
			t.Fatalf("%v, %v", present, err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		comes.mu.Lock()
		if len(comes.began) != 1 || len(comes.ended) != 0 {
			t.Errorf("told of %v and %v", comes.began, comes.ended)
		}
		comes.mu.Unlock()
		transports[0].Cut()
		time.Sleep(time.Minute)
		comes.mu.Lock()
		defer comes.mu.Unlock()
		if len(comes.began) != 1 || len(comes.ended) != 10 {
			t.Errorf("told of %v and %v", comes.began, comes.ended)
		}
	})
}

func enter(t *testing.T, in *channel.Inbox, show any) {
	t.Helper()
	if _, err := in.Enter(ctx, "room", show); err != nil {
		t.Fatal(err)
	}
}
