package channel_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/channeltest"
)

// watcher is a client: it checks that each message comes behind the one before it, or
// that it is told of a gap, while it comes and goes.
type watcher struct {
	test  *historyTest
	inbox *channel.Inbox

	mu    sync.Mutex
	opens int // a Deliver of a former inbox may still run
	at    channel.Position
	seen  map[channel.Position]bool
}

func (w *watcher) deliver(opened int) func(m channel.Message) channel.Verdict {
	return func(m channel.Message) channel.Verdict {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.opens != opened {
			return channel.Closed
		}
		w.take(m)
		return channel.Accepted
	}
}

// take is called with mu held.
func (w *watcher) take(m channel.Message) {
	switch m.Type() {
	case channel.TypeResync:
		return
	case channel.TypeGap:
		w.at = channel.Position{}
		return
	}
	p := m.Position()
	if w.seen[p] {
		w.test.t.Errorf("seed %d: %v came twice", w.test.seed, p)
	}
	w.seen[p] = true
	if w.at != (channel.Position{}) && (p.Epoch != w.at.Epoch || p.Offset != w.at.Offset+1) {
		w.test.t.Errorf("seed %d: %v behind %v", w.test.seed, p, w.at)
	}
	w.at = p
}

func (w *watcher) connect() {
	w.leave()
	w.mu.Lock()
	after := w.at
	w.opens++
	opened := w.opens
	w.mu.Unlock()
	in, err := w.test.layers[w.test.random.IntN(len(w.test.layers))].Open(ctx,
		channel.InboxOptions{Deliver: w.deliver(opened)})
	if err != nil {
		return // the transport is cut off
	}
	err = in.Resume(ctx, "room", after, func(r channel.Resumed) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if after == (channel.Position{}) || r.Gap != "" {
			w.at = channel.Position{}
			clear(w.seen) // it asks for all there is, whatever it has seen
		}
		for _, m := range r.Messages {
			w.take(m)
		}
		w.at = r.Position
		return nil
	})
	if err != nil {
		in.Close()
		return
	}
	w.inbox = in
}

func (w *watcher) leave() {
	if w.inbox != nil {
		w.inbox.Close()
		w.inbox = nil
	}
}

type historyTest struct {
	t          *testing.T
	seed       uint64
	random     *rand.Rand
	broker     channel.Broker
	transports []*channeltest.FaultyTransport
	layers     []*channel.Layer
	watchers   []*watcher
	sends      sync.WaitGroup
	sent       int
}

func newHistoryTest(t *testing.T, seed uint64) *historyTest {
	h := &historyTest{t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 2))}
	for i := range 3 {
		transport := channeltest.Faulty(h.broker.Connect(), seed*10+uint64(i), channeltest.Faults{
			Drop: 0.1, Duplicate: 0.2, Delay: 0.3, Late: time.Second,
		})
		h.transports = append(h.transports, transport)
		h.layers = append(h.layers, newLayer(t, channel.Options{
			Transport: transport, History: keptRules(channel.Keep{Messages: 20})}))
	}
	for range 5 {
		h.watchers = append(h.watchers,
			&watcher{test: h, seen: make(map[channel.Position]bool)})
	}
	return h
}

func (h *historyTest) step() {
	i := h.random.IntN(len(h.layers))
	switch dice := h.random.IntN(100); {
	case dice < 50:
		h.sent++
		message := text(fmt.Sprint(h.sent))
		h.sends.Go(func() { _, _ = h.layers[i].GroupSend(ctx, "room", message) })
	case dice < 65:
		h.watchers[h.random.IntN(len(h.watchers))].connect()
	case dice < 70:
		h.watchers[h.random.IntN(len(h.watchers))].leave()
	case dice < 72:
		h.transports[i].Cut()
	case dice < 78:
		h.transports[i].Mend()
	case dice < 79:
		h.broker.Forget()
	case dice < 90:
		time.Sleep(time.Duration(h.random.IntN(100)) * time.Millisecond)
	default:
		synctest.Wait()
	}
}

// settle has everything arrive, and everybody be where the log ends.
func (h *historyTest) settle() {
	for _, transport := range h.transports {
		transport.Mend()
	}
	time.Sleep(time.Minute)
	h.sends.Wait()
	groupSend(h.t, h.layers[0], "room", "end")
	time.Sleep(time.Minute)
	past, err := h.transports[0].Since(ctx, "parley.group.room", channel.Position{}, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	for i, w := range h.watchers {
		w.mu.Lock()
		want := channel.Position{Epoch: past.Epoch, Offset: past.Last}
		if w.inbox != nil && w.at != want {
			h.t.Errorf("seed %d: watcher %d is at %v, want %v", h.seed, i, w.at, want)
		}
		w.mu.Unlock()
	}
}

// A log that drops, doubles, delays and mixes up what is live, that trims, and that
// loses its memory, and clients that come and go: never a silent hole, never a
// duplicate, and everybody gets to the end.
func TestE22_HistoryModel(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			h := newHistoryTest(t, seed)
			for range 400 {
				h.step()
			}
			h.settle()
			for _, w := range h.watchers {
				w.leave()
			}
		})
	}
}
