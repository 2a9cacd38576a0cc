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
	foreign   bool            // the transport is a Foreign

	mu     sync.Mutex // never held while the transport works
	topics map[string]*topic
}

var errCannotShare = fmt.Errorf(
	"channel: general names over a transport without QueueSubscribe: %w", errors.ErrUnsupported)

var errNoSubscription = errors.New("channel: the transport returned neither subscription nor error")

// topic is one subject with the number of those who want it.
type topic struct {
	wanted  int // guarded by wire.mu
	sub     Subscription
	settled chan struct{} // closed when the subscribing is over
	err     error         // of the subscribing, readable when settled
	over    atomic.Bool
}

func newWire(l *Layer, transport Transport) *wire {
	queues, _ := transport.(QueueSubscriber)
	_, foreign := transport.(Foreign)
	return &wire{
		layer: l, transport: transport, queues: queues, foreign: foreign,
		topics: make(map[string]*topic),
	}
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
func (w *wire) want(ctx context.Context, subject string, queue bool) error {
	for {
		t, first := w.topic(subject)
		if first {
			return w.subscribe(ctx, subject, queue, t)
		}
		select {
		case <-t.settled:
		case <-ctx.Done():
			w.layer.unsubscribe(w.release(subject, t))
			return context.Cause(ctx)
		}
		if t.err == nil {
			return nil
		}
		// It failed, perhaps only because the ctx of that call ended: try again.
	}
}

// unwant ends what a successful want has begun, and returns the subscription if
// it was the last to want it.
func (w *wire) unwant(subject string) []Subscription {
	w.mu.Lock()
	t := w.topics[subject]
	w.mu.Unlock()
	return w.release(subject, t)
}

func (w *wire) topic(subject string) (t *topic, first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.topics[subject]; t != nil {
		t.wanted++
		return t, false
	}
	t = &topic{wanted: 1, settled: make(chan struct{})}
	w.topics[subject] = t
	return t, true
}

// subscribe settles the topic however the transport's function ends, for others
// wait for it.
func (w *wire) subscribe(
	ctx context.Context, subject string, queue bool, t *topic,
) (failure error) {
	var sub Subscription
	usercode.Call(func() (err error) {
		if sub, err = w.follow(ctx, subject, queue, t); err == nil && sub == nil {
			err = errNoSubscription
		}
		return err
	}, func(err error) {
		failure = err
		w.mu.Lock()
		t.sub, t.err = sub, err
		if err != nil {
			delete(w.topics, subject)
		}
		w.mu.Unlock()
		close(t.settled)
	})
	return failure
}

func (w *wire) follow(
	ctx context.Context, subject string, queue bool, t *topic,
) (Subscription, error) {
	deliver := func(payload []byte) {
		if !t.over.Load() { // else a late payload of a subscription that has ended
			w.receive(subject, payload)
		}
	}
	if !queue {
		return w.transport.Subscribe(ctx, subject, deliver)
	}
	if w.queues == nil {
		return nil, errCannotShare
	}
	return w.queues.QueueSubscribe(ctx, subject, deliver)
}

// release lets go of a topic, and returns the subscription if nobody holds on to
// it. One that failed is no longer in the table, or another is in its place.
func (w *wire) release(subject string, t *topic) []Subscription {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t == nil || w.topics[subject] != t {
		return nil
	}
	if t.wanted--; t.wanted > 0 {
		return nil
	}
	t.over.Store(true)
	delete(w.topics, subject)
	return []Subscription{t.sub}
}

func (w *wire) subscriptions() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.topics)
}
