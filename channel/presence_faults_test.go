package channel_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/channeltest"
)

// answerLost is a transport that enters what it is told to, and says that it did not.
type answerLost struct {
	*channeltest.FaultyTransport
	lost bool
}

func (a *answerLost) Enter(ctx context.Context, owner string, records []channel.Record) error {
	err := a.FaultyTransport.Enter(ctx, owner, records)
	if a.lost {
		return errors.New("no answer")
	}
	return err
}

// What was told to have gone wrong leaves nobody there, even if it has not.
func TestEnterLosesItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		layers, _ := presenceCluster(t, &broker, 1)
		w, _ := newWitness(t, layers[0])
		transport := &answerLost{channeltest.Faulty(broker.Connect(), 1, channeltest.Faults{}), true}
		layer := newLayer(t, channel.Options{Transport: transport})
		in := open(t, layer, channel.InboxOptions{Policy: channel.DropOldest})
		if _, err := in.Enter(ctx, "room", 1); err == nil {
			t.Error("no error")
		}
		synctest.Wait()
		w.check(t, layers[0], 0)
		transport.lost = false
		if _, err := in.Enter(ctx, "room", 1); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		w.check(t, layers[0], 1)
	})
}

// Namespaces may begin alike: each system buries its own dead.
func TestNamespacesBeginAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		layer := func(namespace string) (*channel.Layer, *channeltest.FaultyTransport) {
			transport := channeltest.Faulty(broker.Connect(), 1, channeltest.Faults{})
			return newLayer(t, channel.Options{Transport: transport, Namespace: namespace}), transport
		}
		one, _ := layer("t.one")
		w, _ := newWitness(t, one)
		enterRoom(t, one, "stays") // looks at 5, 10 … 30 s
		time.Sleep(3 * time.Second)
		dies, transport := layer("t.one")
		enterRoom(t, dies, "dies") // lapses at 28 s
		time.Sleep(time.Second)
		other, _ := layer("t")
		enterRoom(t, other, "else") // looks at 29 s
		transport.Cut()
		time.Sleep(30 * time.Second)
		w.check(t, one, 2)
	})
}

// forgetful is a transport whose lease is said to be another's who has died, while it
// lives: as when the broker's clock jumps.
type forgetful struct {
	*channeltest.FaultyTransport
	mu   sync.Mutex
	dead []channel.LapsedLease
}

func (f *forgetful) take(dead ...channel.LapsedLease) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead = dead
}

func (f *forgetful) Lapsed(ctx context.Context) ([]channel.LapsedLease, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dead := f.dead
	f.dead = nil
	return dead, nil
}

// Who is said to have gone, and has not, comes again.
func TestBuriedAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		layers, _ := presenceCluster(t, &broker, 1)
		undertaker := &forgetful{
			FaultyTransport: channeltest.Faulty(broker.Connect(), 1, channeltest.Faults{})}
		other := newLayer(t, channel.Options{Transport: undertaker})
		w, _ := newWitness(t, other)
		enterRoom(t, other, "other")
		var records []channel.Record
		for i := range 3 {
			enterRoom(t, layers[0], i)
		}
		present, err := layers[0].Present(ctx, "room")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range present {
			if string(m.Show) != `"other"` {
				records = append(records, channel.Record{Subject: "parley.group.room", Key: m.ID})
			}
		}
		undertaker.take(channel.LapsedLease{Owner: "parley.somebody", Records: records})
		time.Sleep(30 * time.Second)
		synctest.Wait()
		w.check(t, layers[0], 1+2*3)
		w.check(t, other, 1+2*3)
	})
}
