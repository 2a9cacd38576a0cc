package channel

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/parleygo/parley/internal/history"
)

// Broker connects layers of one process: each has a Transport of its own from
// Connect. It is for tests of what several processes do, has in memory all that a
// layer can use, and can fail as brokers do: see Interrupt and Forget. The zero value is
// ready, and it starts no goroutine: a payload is delivered before Publish returns. It
// is safe for concurrent use.
type Broker struct {
	mu   sync.Mutex
	subs map[string][]*memorySubscription // the lists are replaced, never changed
	turn int                              // whose turn it is among those that share
	open map[*memory]struct{}

	epoch     string
	logs      map[string]*history.Log[[]byte]
	leases    map[string]*lease
	jobs      map[string]*jobQueue
	forgotten map[string]time.Time // until when owners had a lease when Forget came
}

// Connect returns a new transport. It is a QueueSubscriber, a Log, Leases, Jobs and an
// Interrupter.
func (b *Broker) Connect() Transport {
	m := &memory{broker: b}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil {
		b.open = make(map[*memory]struct{})
	}
	b.open[m] = struct{}{}
	return m
}

type memory struct {
	broker    *Broker
	closed    bool // this and the next are guarded by broker.mu
	interrupt func(subjects []string)
}

type memorySubscription struct {
	memory  *memory
	subject string
	queue   bool
	deliver func([]byte) // nil for one that follows
	follow  func(Entry)
}

// locked calls do with the broker locked, unless ctx is over or the transport closed.
func (m *memory) locked(ctx context.Context, do func(b *Broker) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m.broker.mu.Lock()
	defer m.broker.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	return do(m.broker)
}

// Publish delivers without a lock: deliver may publish in turn. A deliver that
// panics is an error when all others have been called.
func (m *memory) Publish(ctx context.Context, subject string, payload []byte) error {
	subs, one, err := m.route(ctx, subject)
	each(len(subs), func(i int) {
		if sub := subs[i]; sub.deliver != nil && (!sub.queue || sub == one) {
			sub.deliver(payload)
		}
	}, func(_ int, failure error) { err = failure })
	return err
}

// route returns the subscriptions, and which one of those that share is next.
func (m *memory) route(
	ctx context.Context, subject string,
) (subs []*memorySubscription, one *memorySubscription, err error) {
	err = m.locked(ctx, func(b *Broker) error {
		subs = b.subs[subject]
		b.turn++
		for i := range subs {
			if sub := subs[(b.turn+i)%len(subs)]; sub.queue {
				one = sub
				break
			}
		}
		return nil
	})
	return subs, one, err
}

// Subscribe implements Transport.
func (m *memory) Subscribe(
	ctx context.Context, subject string, deliver func([]byte),
) (Subscription, error) {
	return m.subscribe(ctx, &memorySubscription{memory: m, subject: subject, deliver: deliver})
}

// QueueSubscribe implements QueueSubscriber.
func (m *memory) QueueSubscribe(
	ctx context.Context, subject string, deliver func([]byte),
) (Subscription, error) {
	return m.subscribe(ctx,
		&memorySubscription{memory: m, subject: subject, queue: true, deliver: deliver})
}

func (m *memory) subscribe(ctx context.Context, sub *memorySubscription) (Subscription, error) {
	err := m.locked(ctx, func(b *Broker) error {
		if b.subs == nil {
			b.subs = make(map[string][]*memorySubscription)
		}
		b.subs[sub.subject] = append(slices.Clip(b.subs[sub.subject]), sub)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sub, nil
}

// Unsubscribe implements Subscription.
func (s *memorySubscription) Unsubscribe() error {
	b := s.memory.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(s.subject, func(sub *memorySubscription) bool { return sub != s })
	return nil
}

// Close implements Transport.
func (m *memory) Close(context.Context) error {
	b := m.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	m.closed = true
	delete(b.open, m)
	for _, q := range b.jobs {
		q.change()
	}
	for subject := range b.subs {
		b.keep(subject, func(sub *memorySubscription) bool { return sub.memory != m })
	}
	return nil
}

// keep replaces a subject's list by what is kept of it. The caller holds mu.
func (b *Broker) keep(subject string, keep func(*memorySubscription) bool) {
	var kept []*memorySubscription
	for _, sub := range b.subs[subject] {
		if keep(sub) {
			kept = append(kept, sub)
		}
	}
	if b.subs[subject] = kept; kept == nil {
		delete(b.subs, subject)
	}
}
