package channel_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/channeltest"
)

// farAway is a transport to whose broker the way is long.
type farAway struct {
	*channeltest.FaultyTransport
	publish, present, exit time.Duration
}

func (f *farAway) Publish(ctx context.Context, subject string, payload []byte) error {
	time.Sleep(f.publish)
	return f.FaultyTransport.Publish(ctx, subject, payload)
}

func (f *farAway) Present(ctx context.Context, subject string) ([]channel.Record, error) {
	time.Sleep(f.present)
	return f.FaultyTransport.Present(ctx, subject)
}

func (f *farAway) Exit(ctx context.Context, owner string, records []channel.Record) error {
	time.Sleep(f.exit)
	return f.FaultyTransport.Exit(ctx, owner, records)
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

// Who comes when somebody has said goodbye, and is listed still, does not see them for ever.
func TestListedThoughGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		far := &farAway{FaultyTransport: channeltest.Faulty(broker.Connect(), 1, channeltest.Faults{})}
		goes := enterRoom(t, newLayer(t, channel.Options{Transport: far}), "goes")
		layers, _ := presenceCluster(t, &broker, 1)
		synctest.Wait()
		far.exit = time.Second
		goes.Close()
		synctest.Wait()
		var left []string
		comes := open(t, layers[0], channel.InboxOptions{Deliver: func(m channel.Message) channel.Verdict {
			if m.Type() == channel.TypeLeave {
				left = append(left, string(m.Payload()))
			}
			return channel.Accepted
		}})
		if _, err := comes.Enter(ctx, "room", "comes"); err != nil {
			t.Fatal(err)
		}
		present, err := layers[0].Present(ctx, "room")
		if err != nil || len(present) != 2 {
			t.Fatalf("present: %v, %v", present, err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(left) != 1 || !strings.Contains(left[0], `"show":"goes"`) {
			t.Errorf("have left: %q", left)
		}
	})
}
