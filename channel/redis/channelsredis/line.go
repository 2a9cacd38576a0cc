package channelsredis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// line is the connection to one host that messages of pub/sub come by. It is made again
// when it is lost, with all that is wanted.
type line struct {
	client  rueidis.Client
	log     *slog.Logger
	hear    func(pattern, name, message string)
	resumed func() // when the connection was made again

	mu     sync.Mutex
	lost   error // why there is no connection, or nil
	wanted map[topic]*interest
	orders []order       // for the goroutine, which carries them out one after the other
	due    chan struct{} // holds a token when there are orders
	cancel context.CancelFunc
	done   chan struct{}
}

// topic is a name of pub/sub, or a pattern.
type topic struct {
	pattern bool
	name    string
}

// interest is what is wanted of a topic.
type interest struct {
	count int  // of those who want it
	heard bool // the host has confirmed it
}

// order is to subscribe for an interest, or without one to unsubscribe.
type order struct {
	topic    topic
	interest *interest
	done     chan error // nil where nobody waits
}

var errDown = errors.New("channelsredis: no connection to the host")

// newLine returns when the host has answered, or has not.
func newLine(
	client rueidis.Client, log *slog.Logger, hear func(pattern, name, message string), resumed func(),
) *line {
	ctx, cancel := context.WithCancel(context.Background())
	l := &line{
		client: client, log: log, hear: hear, resumed: resumed, lost: errDown,
		wanted: make(map[topic]*interest), due: make(chan struct{}, 1),
		cancel: cancel, done: make(chan struct{}),
	}
	first := make(chan struct{})
	go l.run(ctx, sync.OnceFunc(func() { close(first) }))
	<-first
	return l
}

func (l *line) close() {
	l.cancel()
	<-l.done
}

// want subscribes, and waits until the host has confirmed it.
func (l *line) want(ctx context.Context, t topic) error {
	done, err := l.begin(t)
	if done == nil || err != nil {
		return err
	}
	select {
	case err = <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		l.unwant(t)
	}
	return err
}

// begin counts one more who wants a topic. It returns nil if it is subscribed to.
func (l *line) begin(t topic) (chan error, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		return nil, l.lost
	}
	i := l.wanted[t]
	if i == nil {
		i = new(interest)
		l.wanted[t] = i
	}
	i.count++
	if i.heard {
		return nil, nil
	}
	done := make(chan error, 1)
	l.place(order{t, i, done})
	return done, nil
}

// unwant takes back what want has begun, without waiting.
func (l *line) unwant(t topic) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.wanted[t]
	if i.count--; i.count > 0 {
		return
	}
	delete(l.wanted, t)
	if l.lost == nil {
		l.place(order{topic: t})
	}
}

// place hands an order to the goroutine. The caller holds mu.
func (l *line) place(o order) {
	l.orders = append(l.orders, o)
	select {
	case l.due <- struct{}{}:
	default:
	}
}

// run keeps the connection, until ctx ends. tried is called when the first attempt has
// come to something.
func (l *line) run(ctx context.Context, tried func()) {
	defer close(l.done)
	again, pause := false, time.Duration(0)
	for ctx.Err() == nil {
		began := time.Now()
		err := l.serve(ctx, func() {
			if again {
				l.log.Info("channelsredis: host is back")
				l.resumed()
			}
			again = true
			tried()
		})
		l.fail(err)
		tried()
		if ctx.Err() != nil {
			return
		}
		l.log.Warn("channelsredis: host is lost", "error", err)
		if time.Since(began) > 5*time.Second {
			pause = 0
		}
		pause = min(2*pause+50*time.Millisecond, 2*time.Second)
		rest(ctx, pause)
	}
}

// rest waits for about as long, so that not all come at the same time.
func rest(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause/2 + rand.N(pause))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// serve makes one connection, and returns why it has ended.
func (l *line) serve(ctx context.Context, ready func()) error {
	conn, release := l.client.Dedicate()
	defer release()
	defer conn.Close() // it is subscribed: nobody else can use it
	lost := conn.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: func(m rueidis.PubSubMessage) {
		l.hear(m.Pattern, m.Channel, m.Message)
	}})
	if err := conn.Do(ctx, conn.B().Ping().Build()).Error(); err != nil {
		return err
	}
	if err := l.obey(ctx, conn, l.reopened()); err != nil {
		return err
	}
	ready()
	for {
		select {
		case err := <-lost:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.due:
			if err := l.obey(ctx, conn, l.taken()); err != nil {
				return err
			}
		}
	}
}

// reopened lets orders in, and returns what has to be subscribed to again.
func (l *line) reopened() (all []order) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = nil
	for t, i := range l.wanted {
		all = append(all, order{topic: t, interest: i})
	}
	return all
}

func (l *line) taken() []order {
	l.mu.Lock()
	defer l.mu.Unlock()
	orders := l.orders
	l.orders = nil
	return orders
}

// fail notes that the connection is lost, and tells those who wait.
func (l *line) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = fmt.Errorf("%w: %w", errDown, err)
	for _, i := range l.wanted {
		i.heard = false
	}
	for _, o := range l.orders {
		o.over(l.lost)
	}
	l.orders = nil
}

func (o order) over(err error) {
	if o.done != nil {
		o.done <- err
	}
}

// obey carries orders out, in their order, many with one command.
func (l *line) obey(ctx context.Context, conn rueidis.DedicatedClient, orders []order) (err error) {
	for len(orders) > 0 {
		same := alike(orders)
		if err == nil {
			err = conn.Do(ctx, command(conn, orders[:same])).Error()
		}
		l.mu.Lock()
		for _, o := range orders[:same] {
			if o.interest != nil {
				o.interest.heard = err == nil
			}
			o.over(err)
		}
		l.mu.Unlock()
		orders = orders[same:]
	}
	if err != nil {
		err = fmt.Errorf("channelsredis: subscribe: %w", err)
	}
	return err
}

// alike is how many of the first orders one command carries out.
func alike(orders []order) int {
	const most = 500
	for i, o := range orders {
		if i == most || o.topic.pattern != orders[0].topic.pattern ||
			(o.interest == nil) != (orders[0].interest == nil) {
			return i
		}
	}
	return len(orders)
}

func command(conn rueidis.DedicatedClient, orders []order) rueidis.Completed {
	names := make([]string, 0, len(orders))
	for _, o := range orders {
		names = append(names, o.topic.name)
	}
	leave := orders[0].interest == nil
	switch {
	case orders[0].topic.pattern && leave:
		return conn.B().Punsubscribe().Pattern(names...).Build()
	case orders[0].topic.pattern:
		return conn.B().Psubscribe().Pattern(names...).Build()
	case leave:
		return conn.B().Unsubscribe().Channel(names...).Build()
	}
	return conn.B().Subscribe().Channel(names...).Build()
}
