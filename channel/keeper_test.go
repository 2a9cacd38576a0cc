package channel

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// A layer that is closed says goodbye for all of its members: though somebody is about to
// enter, and though an inbox is just about to end by itself.
func TestCloseSaysGoodbyeForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const members = 2*sayAtOnce + 10
		var broker Broker
		var left atomic.Int64
		stays := New(Options{Transport: broker.Connect()})
		goes := New(Options{Transport: broker.Connect()})
		defer stays.Close(t.Context())
		enter := func(layer *Layer, options InboxOptions) *Inbox {
			t.Helper()
			inbox, err := layer.Open(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := inbox.Enter(t.Context(), "room", 1); err != nil {
				t.Fatal(err)
			}
			return inbox
		}
		enter(stays, InboxOptions{Deliver: func(m Message) Verdict {
			if m.Type() == TypeLeave {
				left.Add(1)
			}
			return Accepted
		}})
		accept := InboxOptions{Deliver: func(Message) Verdict { return Accepted }}
		for range members - 1 {
			enter(goes, accept)
		}
		late := accept
		late.OnClose = func(error) {
			k := goes.keeper()
			<-k.done
			k.mu.Lock()
			defer k.mu.Unlock()
			k.enters = append(k.enters, &entering{})
		}
		enter(goes, late)
		goes.unregister(enter(goes, accept)) // as in Inbox.end, before it leaves its groups
		if err := goes.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := left.Load(); got != members+1 {
			t.Errorf("told of %d who have left, want %d", got, members+1)
		}
	})
}
