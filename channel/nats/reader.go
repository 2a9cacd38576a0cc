package nats

import (
	"context"
	"sync"

	natsgo "github.com/nats-io/nats.go"
)

// nats.go has a goroutine for each subscription, or brings the messages of many to one
// channel. The second is what a program with a hundred thousand groups can afford. A
// reader empties such a channel at once, since nats.go drops what does not fit there,
// into a queue that is bounded by bytes, and another goroutine delivers from that.

const (
	readers = 4    // so many subscriptions can be delivered to at once
	arrived = 4096 // messages between nats.go and a reader
)

type reader struct {
	transport *Transport
	arrived   chan *natsgo.Msg
	ready     chan struct{}

	mu      sync.Mutex
	waiting []*natsgo.Msg
	bytes   int
}

func (t *Transport) startReaders() {
	for range readers {
		r := &reader{transport: t,
			arrived: make(chan *natsgo.Msg, arrived), ready: make(chan struct{}, 1)}
		t.readers = append(t.readers, r)
		t.background(r.take)
		t.background(r.deliver)
	}
}

func (r *reader) take(ctx context.Context) {
	for {
		select {
		case m := <-r.arrived:
			if !r.put(m) {
				r.transport.lost(m.Sub)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (r *reader) put(m *natsgo.Msg) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes > 0 && len(m.Data) > r.transport.options.MaxPending/readers-r.bytes {
		return false
	}
	r.bytes += len(m.Data)
	if r.waiting = append(r.waiting, m); len(r.waiting) == 1 {
		select {
		case r.ready <- struct{}{}:
		default:
		}
	}
	return true
}

func (r *reader) deliver(ctx context.Context) {
	for {
		select {
		case <-r.ready:
		case <-ctx.Done():
			return
		}
		r.mu.Lock()
		batch := r.waiting
		r.waiting = nil
		r.mu.Unlock()
		for _, m := range batch {
			if sub := r.transport.find(m.Sub); sub != nil && ctx.Err() == nil {
				sub.deliver(m)
			}
			r.mu.Lock()
			r.bytes -= len(m.Data)
			r.mu.Unlock()
		}
	}
}

// find returns the subscription that a message is for, or nil if it has ended. A
// message may be here before the call that subscribes has its result.
func (t *Transport) find(nats *natsgo.Subscription) *subscription {
	sub := t.subs.find(nats)
	if sub == nil {
		t.registering.Lock()
		t.registering.Unlock() //nolint:staticcheck // waits for whoever registers
		sub = t.subs.find(nats)
	}
	return sub
}
