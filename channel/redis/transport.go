package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/interrupt"
	"github.com/redis/rueidis"
)

// Transport is a channel.Transport over Redis. It is a channel.QueueSubscriber, a
// channel.Interrupter, a channel.Log and channel.Leases as well. Make one with New.
// Its methods may be called from any goroutine.
type Transport struct {
	options Options
	names   names
	client  rueidis.Client

	sentinels bool
	cluster   bool
	sharded   bool // pub/sub goes to the node of the slot alone

	work    context.Context // ends when Close begins
	stop    context.CancelFunc
	life    context.Context // of connections; ends when Close is over
	end     context.CancelFunc
	running sync.WaitGroup
	notices interrupt.Teller
	router  *router // nil if this is no cluster

	mu      sync.RWMutex
	closed  bool
	topics  map[string]*topic   // by channel
	lines   map[string]*line    // by address
	readers map[string]*reader  // by subject
	renewed map[string]*renewal // by owner
	stats   Stats
}

// New connects to Redis. It returns an error if no server can be reached now, or the
// options make no sense; later the transport comes back by itself whenever a server
// does.
func New(options Options) (*Transport, error) {
	options = options.withDefaults()
	client, err := options.client()
	if err != nil {
		return nil, err
	}
	t := &Transport{
		options: options,
		names:   newNames(options.Prefix, client.SelectDB),
		topics:  make(map[string]*topic),
		lines:   make(map[string]*line),
		readers: make(map[string]*reader),
		renewed: make(map[string]*renewal),
	}
	t.work, t.stop = context.WithCancel(context.Background())
	t.life, t.end = context.WithCancel(context.Background())
	if client.DialCtxFn == nil {
		client.DialCtxFn = (&dialer{work: t.work, life: t.life, reached: t.reached}).dial
	}
	if err := t.open(client); err != nil {
		t.stop()
		t.end()
		return nil, fmt.Errorf("redis: %w", err)
	}
	return t, nil
}

func (t *Transport) open(option rueidis.ClientOption) error {
	client, err := rueidis.NewClient(option)
	if err != nil {
		return err
	}
	t.client = client
	t.sentinels = client.Mode() == rueidis.ClientModeSentinel
	t.cluster = client.Mode() == rueidis.ClientModeCluster
	ctx, cancel := context.WithTimeout(t.work, t.options.Timeout)
	defer cancel()
	role, err := roleOf(ctx, client)
	switch {
	case err != nil:
	case t.cluster:
		if t.sharded, err = t.shards(ctx); err == nil {
			err = t.route(ctx)
		}
	case role != "master" && !t.sentinels: // sentinels name another soon
		err = errNotMaster
	}
	if err != nil {
		client.Close()
		return err
	}
	t.lookAtMemory(ctx)
	return nil
}

// OnInterrupt implements channel.Interrupter.
func (t *Transport) OnInterrupt(tell func(subjects []string)) { t.notices.OnInterrupt(tell) }

// Publish implements channel.Transport. It returns when the server has the payload.
//
// Whether somebody shares the subject is asked for with a command that only a master
// carries out, for a replica would publish to nobody, and say nothing of it.
func (t *Transport) Publish(ctx context.Context, subject string, payload []byte) error {
	if err := t.admits(ctx); err != nil {
		return err
	}
	readers := t.names.of(readersKey, subject)
	results := t.client.DoMulti(ctx,
		t.publish(t.names.of(plain, subject), payload), t.client.B().Getex().Key(readers).Build())
	if err := results[0].Error(); err != nil {
		return t.failed(ctx, "publish", err)
	}
	err := results[1].Error()
	if refusesWrites(err) {
		if err = t.client.Do(ctx, t.client.B().Get().Key(readers).Build()).Error(); err == nil {
			return t.enqueue(ctx, subject, payload) // which says why not
		}
	}
	switch {
	case err == nil:
		return t.enqueue(ctx, subject, payload)
	case rueidis.IsRedisNil(err):
		return nil
	}
	return t.failed(ctx, "publish", err)
}

// Subscribe implements channel.Transport. While no server can be reached it waits.
func (t *Transport) Subscribe(
	ctx context.Context, subject string, deliver func(payload []byte),
) (channel.Subscription, error) {
	return t.subscribe(ctx, plain, subject, deliver)
}

// Ping asks Redis for a sign of life.
func (t *Transport) Ping(ctx context.Context) error {
	if err := t.admits(ctx); err != nil {
		return err
	}
	_, err := roleOf(ctx, t.client)
	return t.failed(ctx, "ping", err)
}

// admits returns why a call cannot begin.
func (t *Transport) admits(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if t.work.Err() != nil {
		return channel.ErrClosed
	}
	return nil
}

// failed returns what to tell of an error, or nil if there is none.
func (t *Transport) failed(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("redis: %s: %w", doing, context.Cause(ctx))
	case t.work.Err() != nil || errors.Is(err, rueidis.ErrClosing):
		return fmt.Errorf("redis: %s: %w", doing, channel.ErrClosed)
	}
	return fmt.Errorf("redis: %s: %w", doing, err)
}

// Close implements channel.Transport. When ctx ends before it is done, connections are
// cut, and what is in the middle of being published fails.
func (t *Transport) Close(ctx context.Context) error {
	t.mu.Lock()
	again := t.closed
	t.closed = true
	t.mu.Unlock()
	if !again {
		go t.close()
	}
	select {
	case <-t.life.Done():
		return nil
	case <-ctx.Done():
		t.end()
		return context.Cause(ctx)
	}
}

func (t *Transport) close() {
	t.stop()
	t.running.Wait()
	t.client.Close()
	t.end()
}

// Stats is what has happened to a transport.
type Stats struct {
	Subscriptions int    // subjects and logs that are subscribed to now
	Interruptions uint64 // connections for subscriptions that broke and were made again
	Foreign       uint64 // what came on our channels and is not ours, and was skipped
}

// Stats returns what has happened until now.
func (t *Transport) Stats() Stats {
	t.mu.RLock()
	defer t.mu.RUnlock()
	stats := t.stats
	stats.Subscriptions = len(t.topics)
	return stats
}
