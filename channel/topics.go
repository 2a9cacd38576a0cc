package channel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley/internal/usercode"
)

// wire is what a layer with a transport has more than one without: it follows
// the subjects that somebody here wants to hear, each once.
type wire struct {
	layer     *Layer
	transport Transport
	queues    QueueSubscriber // nil if the transport is none
	log       Log             // likewise
	leases    Leases          // likewise
	foreign   bool            // the transport is a Foreign
	reads     chan struct{}   // holds a token for each log that is being read

	mu     sync.Mutex // never held while the transport works
	topics map[interest]*topic
}

// interest is what a layer wants of a subject.
type interest struct {
	subject string
	way     way
}

type way uint8

const (
	hears   way = iota // what is published
	shares             // that, with others
	follows            // what is appended
)

// mostReads is how many logs are read at once: after an interruption all are.
const mostReads = 64

var errCannotShare = fmt.Errorf(
	"channel: general names over a transport without QueueSubscribe: %w", errors.ErrUnsupported)

var errNoSubscription = errors.New("channel: the transport returned neither subscription nor error")

// topic is one subject with the number of those who want it.
type topic struct {
	wanted   int           // guarded by wire.mu, as settling is
	settling chan struct{} // closed when the subscribing is over, and nil from then on
	sub      Subscription
	err      error // of the subscribing, readable when that is over
	over     atomic.Bool
	kept     *kept // of a log, likewise
}

func newWire(l *Layer, transport Transport) *wire {
	w := &wire{
		layer: l, transport: transport, topics: make(map[interest]*topic),
		reads: make(chan struct{}, mostReads),
	}
	w.queues, _ = transport.(QueueSubscriber)
	w.log, _ = transport.(Log)
	w.leases, _ = transport.(Leases)
	_, w.foreign = transport.(Foreign)
	if interrupter, ok := transport.(Interrupter); ok {
		interrupter.OnInterrupt(w.interrupted)
	}
	return w
}

func (w *wire) group(group Group) string {
	return w.layer.options.Namespace + ".group." + string(group)
}

// direct is the subject of a name: a process-specific one leads to its layer,
// a general one has a subject of its own, and so has a prefix for those that only know
// what stands before the '!'.
func (w *wire) direct(name Name) string {
	id, local := name.layerID()
	switch {
	case local && w.foreign:
		before, _, _ := strings.Cut(string(name), "!")
		return w.layer.options.Namespace + ".channel." + before + "!"
	case local:
		return w.layer.options.Namespace + ".layer." + id
	}
	return w.layer.options.Namespace + ".channel." + string(name)
}

// want subscribes to a subject, or waits for the call that is doing so.
func (w *wire) want(ctx context.Context, i interest) error {
	for {
		t, settling, first := w.topic(i)
		if first {
			return w.subscribe(ctx, i, t)
		}
		if settling != nil {
			select {
			case <-settling:
			case <-ctx.Done():
				w.layer.unsubscribe(w.release(i, t))
				return context.Cause(ctx)
			}
		}
		if t.err == nil {
			return nil
		}
		// It failed, perhaps only because the ctx of that call ended: try again.
	}
}

// unwant ends what a successful want has begun, and returns the subscription if
// it was the last to want it.
func (w *wire) unwant(i interest) []Subscription {
	w.mu.Lock()
	t := w.topics[i]
	w.mu.Unlock()
	return w.release(i, t)
}

func (w *wire) topic(i interest) (t *topic, settling <-chan struct{}, first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.topics[i]; t != nil {
		t.wanted++
		return t, t.settling, false
	}
	t = &topic{wanted: 1, settling: make(chan struct{})}
	w.topics[i] = t
	return t, t.settling, true
}

// subscribe settles the topic however the transport's function ends, for others
// wait for it.
func (w *wire) subscribe(ctx context.Context, i interest, t *topic) (failure error) {
	var sub Subscription
	usercode.Call(func() (err error) {
		if sub, err = w.follow(ctx, i, t); err == nil && sub == nil {
			err = errNoSubscription
		}
		return err
	}, func(err error) {
		failure = err
		w.mu.Lock()
		t.sub, t.err = sub, err
		if err != nil {
			delete(w.topics, i)
		}
		close(t.settling)
		t.settling = nil // a group that is quiet shall not weigh more than it must
		w.mu.Unlock()
	})
	return failure
}

func (w *wire) follow(ctx context.Context, i interest, t *topic) (Subscription, error) {
	deliver := func(payload []byte) {
		if !t.over.Load() { // else a late payload of a subscription that has ended
			w.receive(i.subject, payload)
		}
	}
	switch {
	case i.way == hears:
		return w.transport.Subscribe(ctx, i.subject, deliver)
	case i.way == follows:
		return w.followLog(ctx, i, t)
	case w.queues == nil:
		return nil, errCannotShare
	}
	// A late payload is nobody else's here: it is counted as one that found no inbox.
	return w.queues.QueueSubscribe(ctx, i.subject, func(payload []byte) {
		w.receive(i.subject, payload)
	})
}

// followLog begins behind what is in the log when somebody follows it.
func (w *wire) followLog(ctx context.Context, i interest, t *topic) (Subscription, error) {
	_, name := w.parse(i.subject)
	keep, _ := w.layer.options.keep(Group(name))
	shelf := &wireShelf{w, i.subject}
	k := w.layer.newKept(Group(name), keep, shelf)
	sub, err := w.log.Follow(ctx, i.subject, func(e Entry) {
		if !t.over.Load() {
			k.arrived(e)
		}
	})
	if err != nil || sub == nil {
		k.stop()
		return sub, err
	}
	past, err := shelf.since(ctx, Position{}, 0)
	if err != nil {
		k.stop()
		w.layer.unsubscribe([]Subscription{sub})
		return nil, err
	}
	k.start(Position{past.Epoch, past.Last})
	t.kept = k
	return sub, nil
}

// release lets go of a topic, and returns the subscription if nobody holds on to
// it. One that failed is no longer in the table, or another is in its place.
func (w *wire) release(i interest, t *topic) []Subscription {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t == nil || w.topics[i] != t {
		return nil
	}
	if t.wanted--; t.wanted > 0 {
		return nil
	}
	t.over.Store(true)
	if t.kept != nil {
		t.kept.stop()
	}
	delete(w.topics, i)
	return []Subscription{t.sub}
}

func (w *wire) subscriptions() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.topics)
}

// kept returns the reader of a group that is followed.
func (w *wire) kept(group Group) *kept {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.topics[interest{w.group(group), follows}]
	if t == nil || t.settling != nil {
		return nil
	}
	return t.kept
}
