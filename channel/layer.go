package channel

import (
	"context"
	"hash/maphash"
	"math"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/usercode"
)

// Layer is a channel layer: it knows inboxes by name and by group, and brings
// messages to them. Make one with New. Its methods may be called from any
// goroutine. Without kept groups and presence it starts no timer, and no goroutine that
// outlives a call.
type Layer struct {
	id      string // the part of process-specific names that leads here
	options Options
	start   time.Time // zero of the layer's clock
	closed  atomic.Bool
	seed    maphash.Seed
	shards  [64]shard
	wire    *wire // nil without a transport
	shelves shelves

	presence  stays
	questions questions
	rules     rules

	resyncs, gaps atomic.Uint64 // see LayerStats

	ctx  context.Context // ends when the layer is closed
	stop context.CancelFunc
}

// New makes a layer. It panics if a rule's pattern or the namespace is
// malformed.
func New(options Options) *Layer {
	l := &Layer{
		id: newID(), options: options.withDefaults(), start: time.Now(), seed: maphash.MakeSeed(),
	}
	l.presence.layer = l
	l.ctx, l.stop = context.WithCancel(context.Background())
	if options.Transport != nil {
		l.wire = newWire(l, options.Transport)
	}
	return l
}

// Close closes every inbox with the cause parley.ErrDraining, tells other processes that
// those who were present have left, and closes the transport. Afterwards everything
// returns ErrClosed. ctx bounds what is done with the transport; the error is that of its
// Close. Closing again does nothing.
func (l *Layer) Close(ctx context.Context) (err error) {
	if l.closed.Swap(true) {
		return nil
	}
	l.stop()
	if l.wire != nil {
		defer func() {
			l.presence.close(ctx)
			err = usercode.Run(func() error { return l.wire.transport.Close(ctx) })
		}()
	}
	l.everyInbox(func(in *Inbox) { in.shut(parley.ErrDraining) })
	return nil
}

// Flush discards every unread message and ends every membership of this layer, and
// forgets what it keeps in memory. Inboxes stay open. It is for tests that share a
// layer.
func (l *Layer) Flush() {
	l.everyInbox((*Inbox).flush)
	l.shelves.flush()
}

// everyInbox calls f, which looks after itself, for all inboxes that are open now.
func (l *Layer) everyInbox(f func(*Inbox)) {
	var all []*Inbox
	for i := range l.shards {
		all = append(all, l.shards[i].all()...)
	}
	each(len(all), func(i int) { f(all[i]) }, func(int, error) {})
}

func (in *Inbox) flush() {
	in.mu.Lock()
	var lost []Drop
	if in.unread != nil {
		lost = in.discard()
		in.owed = nil // for it is in no group any more
		if in.err == nil {
			in.admit()
		}
		in.wake()
	}
	groups := in.groups
	in.groups = memberships{}
	in.mu.Unlock()
	defer in.layer.tell(lost)
	in.layer.unsubscribe(in.layer.leaveAll(groups))
}

// admits returns why a call cannot begin.
//
//parley:noescape
func (l *Layer) admits(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if l.closed.Load() {
		return ErrClosed
	}
	return nil
}

// now is the time on the layer's own monotonic clock, in nanoseconds.
func (l *Layer) now() int64 { return int64(time.Since(l.start)) }

//parley:inline
func (l *Layer) deadline(now int64) int64 {
	return now + min(int64(l.options.Expiry), math.MaxInt64-now)
}

func (l *Layer) shardOf(name string) *shard {
	return &l.shards[maphash.String(l.seed, name)%uint64(len(l.shards))]
}
