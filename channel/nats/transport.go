package nats

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/interrupt"
)

// Transport carries what layers say to each other over NATS. It is a channel.Transport,
// and all that package channel knows beyond that: see the package's comment.
type Transport struct {
	options Options
	conn    *natsgo.Conn
	js      api

	registering sync.Mutex // while nats.go makes a subscription
	subs        subscriptions
	link        link
	readers     []*reader
	notices     interrupt.Teller
	denials     denials
	regains     regains
	streams     streams
	trims       trims
	bucket      bucket
	jobs        jobs
	peers       peers

	turn atomic.Uint32 // whose turn it is among the readers

	life context.Context // until Close
	end  context.CancelFunc
	over sync.Mutex // for running and the end of life
	once sync.Once
	// running are the transport's goroutines.
	running sync.WaitGroup
}

// subscription is the interest in one subject of the layer.
type subscription struct {
	transport *Transport
	subject   string
	wire      string
	queue     string
	arrived   chan *natsgo.Msg
	deliver   func(*natsgo.Msg)
	nats      *natsgo.Subscription // another when it is tried again
}

// subscriptions finds those of this transport by nats.go's.
type subscriptions struct {
	mu    sync.RWMutex
	table map[*natsgo.Subscription]*subscription
}

// replace has a subscription be found by nats, and no more by what it had before.
func (s *subscriptions) replace(sub *subscription, nats *natsgo.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.table == nil {
		s.table = make(map[*natsgo.Subscription]*subscription)
	}
	delete(s.table, sub.nats)
	sub.nats = nats
	s.table[nats] = sub
}

func (s *subscriptions) remove(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.table, sub.nats)
}

func (s *subscriptions) has(sub *subscription) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.table[sub.nats] == sub
}

func (s *subscriptions) find(nats *natsgo.Subscription) *subscription {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.table[nats]
}

func (s *subscriptions) all() []*subscription {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Values(s.table))
}

// New connects to a server. It fails when none can be reached; once it has succeeded
// the transport finds its way back by itself.
func New(o Options) (*Transport, error) {
	t := &Transport{options: o.withDefaults()}
	t.life, t.end = context.WithCancel(context.Background())
	t.link.made()
	t.regains.init(t)
	t.peers.init(t)
	t.streams.init(t)
	t.bucket.init(t)
	t.jobs.init(t)
	servers, told := t.options.connect()
	conn, err := natsgo.Connect(servers, append(told,
		natsgo.ReconnectHandler(t.reconnected),
		natsgo.DisconnectErrHandler(t.disconnected),
		natsgo.ErrorHandler(t.asyncError),
		natsgo.ClosedHandler(t.gaveUp))...)
	if err != nil {
		t.end()
		return nil, fmt.Errorf("nats: connect: %w", err)
	}
	t.conn = conn
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(t.options.Timeout))
	if err != nil {
		_ = t.Close(context.Background())
		return nil, fmt.Errorf("nats: %w", err)
	}
	t.js = api{js, t}
	t.startReaders()
	if err := t.peers.meet(context.Background()); err != nil {
		_ = t.Close(context.Background())
		return nil, fmt.Errorf("nats: connect: %w", err)
	}
	t.background(t.peers.beat)
	return t, nil
}

// Publish implements channel.Transport. It returns when the server has the payload, or
// with an error, after which it may have it or not; see Options.Unconfirmed.
func (t *Transport) Publish(ctx context.Context, subject string, payload []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	wire, err := t.subject(plain, subject)
	if err != nil {
		return err
	}
	began := t.denials.now()
	if err := t.conn.Publish(wire, payload); err != nil {
		return t.failed(err)
	}
	if t.options.Unconfirmed {
		return nil
	}
	if err := t.flush(ctx); err != nil {
		return t.failed(err)
	}
	return t.refused(began, publishing, wire)
}

// Subscribe implements channel.Transport. It returns when all servers of the cluster
// know of the subscription.
func (t *Transport) Subscribe(
	ctx context.Context, subject string, deliver func(payload []byte),
) (channel.Subscription, error) {
	return t.subscribe(ctx, plain, subject, "", func(m *natsgo.Msg) { deliver(m.Data) })
}

// QueueSubscribe implements channel.QueueSubscriber.
func (t *Transport) QueueSubscribe(
	ctx context.Context, subject string, deliver func(payload []byte),
) (channel.Subscription, error) {
	return t.subscribe(ctx, plain, subject, "parley", func(m *natsgo.Msg) { deliver(m.Data) })
}

func (t *Transport) subscribe(
	ctx context.Context, space, subject, queue string, deliver func(*natsgo.Msg),
) (channel.Subscription, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	wire, err := t.subject(space, subject)
	if err != nil {
		return nil, err
	}
	began := t.denials.now()
	sub := &subscription{transport: t, subject: subject, wire: wire, queue: queue,
		arrived: t.readers[int(t.turn.Add(1))%len(t.readers)].arrived, deliver: deliver}
	if err := t.register(sub); err != nil {
		return nil, t.failed(err)
	}
	if err := t.peers.settle(ctx); err != nil {
		_ = sub.Unsubscribe()
		return nil, t.failed(err)
	}
	if err := t.refused(began, subscribing, wire); err != nil {
		_ = sub.Unsubscribe()
		return nil, err
	}
	return sub, nil
}

func (t *Transport) register(sub *subscription) error {
	t.registering.Lock()
	defer t.registering.Unlock()
	nats, err := t.listen(sub)
	if err == nil {
		t.subs.replace(sub, nats)
	}
	return err
}

func (t *Transport) listen(sub *subscription) (*natsgo.Subscription, error) {
	if sub.queue == "" {
		return t.conn.ChanSubscribe(sub.wire, sub.arrived)
	}
	return t.conn.ChanQueueSubscribe(sub.wire, sub.queue, sub.arrived)
}

// Unsubscribe implements channel.Subscription.
func (s *subscription) Unsubscribe() error {
	t := s.transport
	t.registering.Lock() // it may be about to be tried again
	defer t.registering.Unlock()
	t.subs.remove(s)
	t.regains.forget(s)
	if err := s.nats.Unsubscribe(); err != nil {
		return t.failed(err)
	}
	return nil
}

// Close implements channel.Transport.
func (t *Transport) Close(ctx context.Context) error {
	t.once.Do(func() {
		t.leave(ctx)
		t.over.Lock()
		t.end()
		t.over.Unlock()
		t.running.Wait() // for what is being delivered, which may publish
		t.conn.Close()
	})
	return nil
}

// leave has all servers know that nobody is here any more, so that they give to others
// what is shared out. What was published before is on its way by then.
func (t *Transport) leave(ctx context.Context) {
	for _, sub := range t.subs.all() {
		_ = sub.Unsubscribe() // fails if there is no connection
	}
	t.jobs.letGoOfAll()
	t.peers.silence()
	if t.conn.IsConnected() {
		_ = t.peers.settle(ctx) // fails if there is none any more
	}
}

// background runs f on a goroutine that Close waits for, with a ctx that Close ends. It
// reports whether it has begun.
func (t *Transport) background(f func(ctx context.Context)) bool {
	t.over.Lock()
	defer t.over.Unlock()
	if t.life.Err() != nil {
		return false
	}
	t.running.Go(func() { f(t.life) })
	return true
}

// flush waits until the server has had all that was sent before.
func (t *Transport) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, t.options.Timeout)
	defer cancel()
	return t.conn.FlushWithContext(ctx)
}

// failed says in the words of package channel what nats.go has said.
func (t *Transport) failed(err error) error {
	switch {
	case t.life.Err() != nil:
		return fmt.Errorf("nats: %w", channel.ErrClosed)
	case errors.Is(err, natsgo.ErrMaxPayload):
		return fmt.Errorf("nats: more than the server's max_payload, %d bytes: %w: %w",
			t.conn.MaxPayload(), channel.ErrTooLarge, err)
	case errors.Is(err, natsgo.ErrReconnectBufExceeded), errors.Is(err, natsgo.ErrConnectionClosed),
		errors.Is(err, natsgo.ErrDisconnected):
		return fmt.Errorf("nats: the connection is interrupted: %w", err)
	}
	return fmt.Errorf("nats: %w", err)
}
