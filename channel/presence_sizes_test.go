package channel_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley/channel"
)

// Layers may bound messages differently: who comes and goes together is told all the same,
// in envelopes that are larger than a message may be for some of them.
func TestNewsFromALayerWithLargerMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const members = 300
		var broker channel.Broker
		small := newLayer(t, channel.Options{Transport: broker.Connect(), MaxMessage: 1000})
		large := newLayer(t, channel.Options{Transport: broker.Connect()})
		w, _ := newWitness(t, small)
		for i := range members {
			enterRoom(t, large, i)
		}
		synctest.Wait()
		w.check(t, small, members)
		if err := large.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.check(t, small, members)
		if bad := small.Stats().BadEnvelopes; bad != 0 {
			t.Errorf("%d bad envelopes", bad)
		}
	})
}
