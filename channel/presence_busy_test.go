package channel_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/channeltest"
)

// farAway is a transport to whose broker the way is long.
type farAway struct {
	*channeltest.FaultyTransport
	publish, present time.Duration
}

func (f *farAway) Publish(ctx context.Context, subject string, payload []byte) error {
	time.Sleep(f.publish)
	return f.FaultyTransport.Publish(ctx, subject, payload)
}

func (f *farAway) Present(ctx context.Context, subject string) ([]channel.Record, error) {
	time.Sleep(f.present)
	return f.FaultyTransport.Present(ctx, subject)
}

// TestBusyProcessKeepsItsLease: whatever it has much of to say or to ask, it has not died.
func TestBusyProcessKeepsItsLease(t *testing.T) {
	for name, keepBusy := range map[string]func(
		broker *channel.Broker, in *channel.Inbox, dies *channeltest.FaultyTransport,
	){
		"leaves": func(_ *channel.Broker, in *channel.Inbox, _ *channeltest.FaultyTransport) { in.Close() },
		"buries": func(_ *channel.Broker, _ *channel.Inbox, dies *channeltest.FaultyTransport) { dies.Cut() },
		"looks": func(broker *channel.Broker, _ *channel.Inbox, _ *channeltest.FaultyTransport) {
			broker.Interrupt()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broker channel.Broker
				connect := func() *channeltest.FaultyTransport {
					return channeltest.Faulty(broker.Connect(), 1, channeltest.Faults{})
				}
				other := newLayer(t, channel.Options{Transport: &forgetful{FaultyTransport: connect()}})
				far, dies := &farAway{FaultyTransport: connect()}, connect()
				layer := newLayer(t, channel.Options{Transport: far})
				w, _ := newWitness(t, other)
				enterRoom(t, layer, "stays")
				in := enterRooms(t, layer)
				enterRooms(t, newLayer(t, channel.Options{Transport: dies}))
				synctest.Wait()
				far.publish, far.present = time.Second, time.Second
				keepBusy(&broker, in, dies)
				time.Sleep(5 * time.Minute)
				w.check(t, other, 1)
			})
		})
	}
}

func enterRooms(t *testing.T, layer *channel.Layer) *channel.Inbox {
	t.Helper()
	in := open(t, layer, channel.InboxOptions{
		Deliver: func(channel.Message) channel.Verdict { return channel.Accepted }})
	for i := range 100 {
		if _, err := in.Enter(ctx, channel.Group(fmt.Sprint("room.", i)), i); err != nil {
			t.Fatal(err)
		}
	}
	return in
}
