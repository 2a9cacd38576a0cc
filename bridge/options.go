package bridge

import (
	"time"

	"github.com/parleygo/parley/internal/options"
)

// Options configures a [Bridge]. The zero value is ready to use.
// Numbers and durations follow the kit's one rule: zero is the default, negative is no limit.
type Options struct {
	// Capacity is how many pooled functions may be at work at once, and so how many threads they can
	// block. One that waits inside the bridge is not at work. It goes on at once when its wait is
	// over; if something else uses its token by then, the capacity is exceeded for as long, and no
	// other call begins meanwhile. Default 64. New panics for a negative value.
	Capacity int

	// QueueLimit is how many calls may wait in the pool's queue, and in each lane's. Calls made by
	// a function that runs on a bridge are exempt: refusing them would leave requests half done.
	// Default 65536.
	QueueLimit int

	// QueueWait makes a call past QueueLimit wait for a place, first come first served, until its
	// context ends. Starting the call then blocks. Default false: it fails with [ErrQueueFull].
	QueueWait bool

	// MaxLanes is how many lanes, each an OS thread, may be alive at once. Further lanes wait for a
	// thread. Those first used by a function that runs on a bridge do not wait, or they could wait
	// for themselves. If a scope keeps a thread without using it, Unobserved is told where it was
	// opened. Default 1024. Mind Go's own limit of 10 000 threads.
	MaxLanes int

	// RefuseLanes makes a call past MaxLanes fail with [ErrNoThread] at once, instead of waiting.
	RefuseLanes bool

	// DefaultLane gives calls whose context names no lane one lane of the bridge's own, all on one
	// thread, one after another. Default false: they run on the pool.
	DefaultLane bool

	// Lane holds the hooks of lanes made by the bridge itself: of scopes, keys and the default lane.
	Lane LaneOptions

	// KeyIdle is how long a keyed lane without work stays alive. Default one minute.
	KeyIdle time.Duration

	// MaxDepth is how many jobs may stand on one another on one lane, against runaway recursion.
	// Default 1000.
	MaxDepth int

	// Repanic makes Await panic with the [parley.PanicError] of a function that panicked, instead of
	// returning it.
	Repanic bool

	// Unobserved is told of failures nobody waits for: of an abandoned function, of a hook, and of a
	// failed call whose Future was dropped unread (found by the garbage collector). It must not
	// block. Default: slog.Default at level error.
	Unobserved func(err error)

	// Slow is told of queues, the pool's and lanes', in which a call has waited SlowAfter for its
	// turn: the worst ten, longest first, and again in each SlowAfter while that goes on, but not
	// before it has returned. It may use the bridge, and may still run when Close has returned. What
	// is known of when calls began to wait costs an allocation for each that does. Default: nobody is
	// told.
	Slow func(backlogs []Backlog)

	// SlowAfter is how long a call may wait for its turn before Slow is told, at the latest after
	// twice that. Default one second.
	SlowAfter time.Duration

	// Engine starts the bridge's goroutines. Default: a pool of the ants library, which recycles them.
	Engine Engine
}

func (o Options) withDefaults() Options {
	o.Capacity = options.Positive("bridge: Options.Capacity", o.Capacity, 64)
	o.QueueLimit = options.Limit(o.QueueLimit, 1<<16)
	o.MaxLanes = options.Limit(o.MaxLanes, 1024)
	o.KeyIdle = options.Limit(o.KeyIdle, time.Minute)
	o.MaxDepth = options.Limit(o.MaxDepth, 1000)
	o.SlowAfter = options.Limit(o.SlowAfter, time.Second)
	if o.Unobserved == nil {
		o.Unobserved = logUnobserved
	}
	return o
}
