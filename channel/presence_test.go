package channel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/channeltest"
)

// witness is a member that checks what it is told: each stay begins once and ends once.
type witness struct {
	mu    sync.Mutex
	began map[string]int
	ended map[string]int
	there map[string]string // what is shown by whom
}

func newWitness(t testing.TB, layer *channel.Layer) (*witness, *channel.Inbox) {
	w := &witness{
		began: make(map[string]int), ended: make(map[string]int), there: make(map[string]string)}
	in := open(t, layer, channel.InboxOptions{Deliver: w.deliver})
	join(t, in, "room")
	return w, in
}

func (w *witness) deliver(m channel.Message) channel.Verdict {
	var notice struct {
		Type, Group, Member string
		Show                json.RawMessage
	}
	if m.Type() == channel.TypeResync {
		return channel.Accepted
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := json.Unmarshal(m.Payload(), &notice); err != nil || notice.Type != m.Type() ||
		notice.Group != string(m.Group()) {
		panic(fmt.Sprintf("%s %s %v", m.Type(), m.Payload(), err))
	}
	switch m.Type() {
	case channel.TypeJoin:
		w.began[notice.Member]++
		w.there[notice.Member] = string(notice.Show)
	case channel.TypeLeave:
		w.ended[notice.Member]++
		delete(w.there, notice.Member)
	}
	return channel.Accepted
}

// check compares what it knows with who is there, and all counts with one each.
func (w *witness) check(t testing.TB, layer *channel.Layer, stays int) {
	t.Helper()
	present, err := layer.Present(ctx, "room")
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range present {
		if w.there[m.ID] != string(m.Show) {
			t.Errorf("%s shows %s, the witness knows %q", m.ID, m.Show, w.there[m.ID])
		}
	}
	if len(present) != len(w.there) || len(w.began) != stays {
		t.Errorf("%d are there, the witness knows %d; %d stays, want %d", len(present),
			len(w.there), len(w.began), stays)
	}
	for id, count := range w.began {
		if _, there := w.there[id]; count != 1 || w.ended[id] > 1 || there == (w.ended[id] == 1) {
			t.Errorf("%s began %d times and ended %d times", id, count, w.ended[id])
		}
	}
	for id := range w.ended {
		if w.began[id] == 0 {
			t.Errorf("%s ended without a beginning", id)
		}
	}
}

func enterRoom(t testing.TB, layer *channel.Layer, show any) *channel.Inbox {
	t.Helper()
	in := open(t, layer, channel.InboxOptions{Policy: channel.DropOldest})
	if _, err := in.Enter(ctx, "room", show); err != nil {
		t.Fatalf("enter: %v", err)
	}
	return in
}

// E21: each way in which a stay can end, alone and over a transport.
func TestE21_EveryStayBeginsAndEndsOnce(t *testing.T) {
	for name, ends := range map[string]func(*channel.Inbox){
		"exit":  func(in *channel.Inbox) { in.Exit("room"); in.Exit("room") },
		"leave": func(in *channel.Inbox) { in.Leave("room") },
		"close": (*channel.Inbox).Close,
		"anew": func(in *channel.Inbox) {
			for range 2 {
				_, _ = in.Enter(ctx, "room", "else")
			}
			in.Close()
		},
	} {
		for where, layers := range histories {
			t.Run(name+"/"+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					one, two := layers(t, channel.Keep{})
					w, _ := newWitness(t, two)
					first, second := enterRoom(t, one, "first"), enterRoom(t, two, 2)
					synctest.Wait()
					w.check(t, one, 2)
					ends(first)
					synctest.Wait()
					stays := 2
					if name == "anew" {
						stays = 3
					}
					w.check(t, two, stays)
					if got, _ := one.Present(ctx, "room"); len(got) != 1 || string(got[0].Show) != "2" {
						t.Errorf("present: %+v", got)
					}
					second.Close()
					synctest.Wait()
					w.check(t, two, stays)
				})
			})
		}
	}
}

// presenceCluster is layers on one broker whose connections can be cut.
func presenceCluster(t *testing.T, broker *channel.Broker, count int) (
	layers []*channel.Layer, transports []*channeltest.FaultyTransport,
) {
	for range count {
		transport := channeltest.Faulty(broker.Connect(), 1, channeltest.Faults{})
		transports = append(transports, transport)
		layers = append(layers, newLayer(t, channel.Options{Transport: transport}))
	}
	return layers, transports
}

// F7: a process that dies is out within a lease, said once, whoever survives.
func TestF7_ProcessDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		layers, transports := presenceCluster(t, &broker, 3)
		w, _ := newWitness(t, layers[0])
		other, _ := newWitness(t, layers[1])
		enterRoom(t, layers[1], "stays")
		for range 20 {
			enterRoom(t, layers[2], "dies")
		}
		synctest.Wait()
		w.check(t, layers[0], 21)
		transports[2].Cut()
		time.Sleep(24 * time.Second)
		w.check(t, layers[0], 21)
		time.Sleep(6*time.Second + 1)
		w.check(t, layers[0], 21)
		other.check(t, layers[1], 21)
		if got, _ := layers[0].Present(ctx, "room"); len(got) != 1 {
			t.Errorf("%d are there", len(got))
		}
		transports[2].Mend() // it was only cut off: its members come again
		time.Sleep(25 * time.Second)
		w.check(t, layers[0], 41)
		other.check(t, layers[1], 41)
	})
}

// A broker that forgets: who is there is so again soon, and nobody hears of it.
func TestPresenceIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		layers, _ := presenceCluster(t, &broker, 2)
		w, _ := newWitness(t, layers[0])
		for i := range 10 {
			enterRoom(t, layers[i%2], i)
		}
		synctest.Wait()
		w.check(t, layers[0], 10)
		broker.Forget()
		broker.Interrupt()
		time.Sleep(30 * time.Second)
		w.check(t, layers[0], 10)
		broker.Forget() // unnoticed
		time.Sleep(10*time.Second + 1)
		w.check(t, layers[0], 10)
	})
}

// What is missed while a process is cut off it hears when it is back.
func TestPresenceIsMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		layers, transports := presenceCluster(t, &broker, 2)
		w, _ := newWitness(t, layers[0])
		goes := enterRoom(t, layers[1], "goes")
		synctest.Wait()
		transports[0].Cut()
		goes.Close()
		enterRoom(t, layers[1], "comes")
		time.Sleep(5 * time.Second)
		transports[0].Mend()
		time.Sleep(25 * time.Second)
		w.check(t, layers[0], 2)
	})
}

// A layer that is closed says goodbye at once.
func TestPresenceEndsWithTheLayer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		layers, _ := presenceCluster(t, &broker, 2)
		w, _ := newWitness(t, layers[0])
		for range 10 {
			enterRoom(t, layers[1], nil)
		}
		if err := layers[1].Close(ctx); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.check(t, layers[0], 10)
		if got, _ := layers[0].Present(ctx, "room"); len(got) != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// countedLeases counts commands.
type countedLeases struct {
	channel.Transport
	channel.Leases
	calls atomic.Int64
}

func (c *countedLeases) Renew(
	ctx context.Context, owner string, life time.Duration,
) (channel.LeaseState, error) {
	c.calls.Add(1)
	return c.Leases.Renew(ctx, owner, life)
}

func (c *countedLeases) Enter(ctx context.Context, owner string, records []channel.Record) error {
	c.calls.Add(1)
	return c.Leases.Enter(ctx, owner, records)
}

func (c *countedLeases) Lapsed(ctx context.Context) ([]channel.LapsedLease, error) {
	c.calls.Add(1)
	return c.Leases.Lapsed(ctx)
}

// The cost of presence is per process, not per member.
func TestPresenceOfManyIsCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broker channel.Broker
		transport := broker.Connect()
		leases := &countedLeases{Transport: transport, Leases: transport.(channel.Leases)}
		layer := newLayer(t, channel.Options{Transport: leases})
		const members = 10_000
		for i := range members {
			in := open(t, layer, channel.InboxOptions{Deliver: func(channel.Message) channel.Verdict {
				return channel.Accepted
			}})
			if _, err := in.Enter(ctx, channel.Group(fmt.Sprint("g", i%100)), i); err != nil {
				t.Fatal(err)
			}
		}
		before := leases.calls.Load()
		time.Sleep(100 * time.Second)
		if got := leases.calls.Load() - before; got > 100 {
			t.Errorf("%d commands in 100 s", got)
		}
	})
}

// What cannot be done says so, and leaves nothing.
func TestEnterFails(t *testing.T) {
	var broker channel.Broker
	type plain struct{ channel.Transport }
	layer := newLayer(t, channel.Options{Transport: plain{broker.Connect()}})
	in := open(t, layer, channel.InboxOptions{})
	if _, err := in.Enter(ctx, "room", 1); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("without leases: %v", err)
	}
	if _, err := layer.Present(ctx, "room"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("without leases: %v", err)
	}
	alone := newLayer(t, channel.Options{MaxMessage: 1000})
	in = open(t, alone, channel.InboxOptions{})
	for name, enter := range map[string]func() error{
		"no JSON":   func() error { _, err := in.Enter(ctx, "room", func() {}); return err },
		"too large": func() error { _, err := in.Enter(ctx, "room", strings.Repeat("x", 1000)); return err },
		"bad name":  func() error { _, err := in.Enter(ctx, "a b", 1); return err },
	} {
		if enter() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	in.Close()
	if _, err := in.Enter(ctx, "room", 1); !errors.Is(err, channel.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if got, err := alone.Present(ctx, "room"); err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
