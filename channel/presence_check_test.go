package channel_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/channeltest"
)

// Who is missing since the broker has lost its memory has not gone: though it is just about
// to be asked who is there, and nobody has noticed.
func TestCheckAfterALossUnnoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		layers, _ := presenceCluster(t, &broker, 2)
		w, _ := newWitness(t, layers[0])
		enterRoom(t, layers[1], "host") // both renew after 10 s, 20 s, and so on
		time.Sleep(time.Second)
		if _, err := layers[0].Present(ctx, "room"); err != nil { // again at 21 s
			t.Fatal(err)
		}
		time.Sleep(19500 * time.Millisecond)
		broker.Forget()
		time.Sleep(time.Minute)
		w.check(t, layers[0], 1)
		if len(w.ended) > 0 {
			t.Error("said to have gone")
		}
	})
}

// Who is interrupted again and again asks what was missed all the same.
func TestInterruptedAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		layers, transports := presenceCluster(t, &broker, 2)
		w, _ := newWitness(t, layers[0])
		goes := enterRoom(t, layers[1], "goes")
		time.Sleep(15 * time.Second)
		transports[0].Cut()
		goes.Close()
		enterRoom(t, layers[1], "comes")
		time.Sleep(time.Second)
		for range 6 {
			transports[0].Mend()
			time.Sleep(10 * time.Second)
		}
		w.check(t, layers[0], 2)
	})
}

// answersLate is a transport that has something happen before it answers who is there.
type answersLate struct {
	*channeltest.FaultyTransport
	meanwhile atomic.Pointer[func()]
}

func (a *answersLate) Present(ctx context.Context, subject string) ([]channel.Record, error) {
	records, err := a.FaultyTransport.Present(ctx, subject)
	if happens := a.meanwhile.Swap(nil); happens != nil {
		(*happens)()
	}
	return records, err
}

// What is missed while it is asked who is there is asked for once more.
func TestInterruptedWhileAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		transport := &answersLate{
			FaultyTransport: channeltest.Faulty(broker.Connect(), 1, channeltest.Faults{})}
		watches := newLayer(t, channel.Options{Transport: transport})
		layers, _ := presenceCluster(t, &broker, 1)
		w, _ := newWitness(t, watches)
		enterRoom(t, layers[0], "host")
		time.Sleep(11 * time.Second)
		transport.Mend() // to be asked at 31 s
		in := open(t, layers[0], channel.InboxOptions{Policy: channel.DropOldest})
		comes := func() {
			transport.Cut()
			if _, err := in.Enter(ctx, "room", "comes"); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			transport.Mend()
		}
		transport.meanwhile.Store(&comes)
		time.Sleep(time.Minute)
		w.check(t, watches, 2)
	})
}

// Who wants to enter does not wait until it is known who is in very many groups.
func TestEntersWhileMuchIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		far := &farAway{FaultyTransport: channeltest.Faulty(broker.Connect(), 1, channeltest.Faults{})}
		layer := newLayer(t, channel.Options{Transport: far})
		enterRooms(t, layer)
		in := open(t, layer, channel.InboxOptions{Policy: channel.DropOldest})
		synctest.Wait()
		far.present = time.Second
		far.Mend()
		time.Sleep(25 * time.Second)
		limit, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		if _, err := in.Enter(limit, "room", 1); err != nil {
			t.Error(err)
		}
	})
}

// A process none of whose members has to do with presence has no lease, whoever is asked
// for elsewhere.
func TestNoPresenceCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		transport := broker.Connect()
		leases := &countedLeases{Transport: transport, Leases: transport.(channel.Leases)}
		layer := newLayer(t, channel.Options{Transport: leases})
		layers, _ := presenceCluster(t, &broker, 1)
		enterRoom(t, layers[0], "host")
		in := open(t, layer, channel.InboxOptions{Policy: channel.DropOldest})
		join(t, in, "other")
		if present, err := layer.Present(ctx, "room"); err != nil || len(present) != 1 {
			t.Errorf("%v, %v", present, err)
		}
		broker.Interrupt()
		time.Sleep(time.Minute)
		in.Close()
		if calls := leases.calls.Load(); calls != 0 {
			t.Errorf("%d commands", calls)
		}
	})
}
