package channel_test

import (
	"context"
	"errors"
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
