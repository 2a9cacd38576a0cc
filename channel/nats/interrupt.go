package nats

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	natsgo "github.com/nats-io/nats.go"
)

// notices are the subjects that have missed something, and who is told.
type notices struct {
	transport *Transport

	mu       sync.Mutex
	tell     func(subjects []string)
	subjects map[string]bool
	telling  bool
}

func (n *notices) init(t *Transport) { n.transport = t }

// OnInterrupt implements channel.Interrupter.
func (t *Transport) OnInterrupt(tell func(subjects []string)) {
	t.notices.mu.Lock()
	defer t.notices.mu.Unlock()
	t.notices.tell = tell
}

// add has the subjects told, on one goroutine that ends when all has been told.
func (n *notices) add(subjects ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.tell == nil {
		return
	}
	if n.subjects == nil {
		n.subjects = make(map[string]bool)
	}
	for _, subject := range subjects {
		n.subjects[subject] = true
	}
	if !n.telling {
		n.telling = true
		go n.run()
	}
}

func (n *notices) run() {
	for {
		n.mu.Lock()
		subjects := n.subjects
		n.subjects = nil
		if n.telling = len(subjects) > 0; !n.telling {
			n.mu.Unlock()
			return
		}
		n.mu.Unlock()
		n.tell(slices.Sorted(maps.Keys(subjects)))
	}
}

// lost is told of a message that was dropped here for want of room.
func (t *Transport) lost(nats *natsgo.Subscription) {
	if sub := t.find(nats); sub != nil {
		t.notices.add(sub.subject)
	}
}

func (t *Transport) disconnected(_ *natsgo.Conn, err error) {
	t.link.breaks()
	t.options.logger().Warn("nats: disconnected", "err", err)
}

// reconnected is called when nats.go has sent all subscriptions again. They are told
// when the servers know of them: whoever asks then what there is misses nothing more.
func (t *Transport) reconnected(conn *natsgo.Conn) {
	t.link.made()
	t.options.logger().Info("nats: connected again", "server", conn.ConnectedUrlRedacted())
	t.background(func(ctx context.Context) {
		if err := t.peers.meet(ctx); err != nil {
			return // interrupted again, and connected again later
		}
		t.interrupted()
	})
}

// interrupted has all subscriptions told.
func (t *Transport) interrupted() {
	var subjects []string
	for _, sub := range t.subs.all() {
		subjects = append(subjects, sub.subject)
	}
	if len(subjects) > 0 {
		t.notices.add(subjects...)
	}
}

func (t *Transport) asyncError(_ *natsgo.Conn, sub *natsgo.Subscription, err error) {
	if sub != nil && errors.Is(err, natsgo.ErrSlowConsumer) {
		t.lost(sub)
	}
	t.options.logger().Warn("nats: error", "err", err)
}

// gaveUp is called when nats.go has closed the connection for good by itself.
func (t *Transport) gaveUp(conn *natsgo.Conn) {
	t.options.logger().Error("nats: connection closed for good", "err", conn.LastError())
}
