package bridge

import (
	"sync"
	"time"
)

// Options configures a [Bridge]. The zero value is ready to use.
type Options struct {
	// Capacity is how many pooled functions may run at once, and so how many threads they can block.
	// Functions that wait inside the bridge do not count; one that goes on while a call it waited beside still uses its
	// place exceeds the capacity for as long, and no other call begins meanwhile. Default 64.
	Capacity int

	// QueueLimit is how many calls may wait in the pool's queue, and in each lane's. Calls made by a function
	// that runs on the bridge are exempt: refusing them would leave requests half done.
	// Default 65536; a negative value means no limit.
	QueueLimit int

	// QueueWait makes a call past QueueLimit wait for a place, first come first served, until its context ends.
	// Starting the call then blocks. Default false: the call fails with [ErrQueueFull].
	QueueWait bool

	// MaxLanes is how many lanes, each an OS thread, may be alive at once. Further lanes wait for a thread; those
	// first used by a function that runs on the bridge do not wait, or they could wait for themselves.
	// Default 1024; a negative value means no limit. Mind Go's own limit of 10 000 threads.
	MaxLanes int

	// DefaultLane gives calls whose context names no lane one lane of the bridge's own, all on one thread,
	// one after another. Default false: they run on the pool.
	DefaultLane bool

	// Lane holds the hooks of lanes made by the bridge itself: of scopes, keys and the default lane.
	Lane LaneOptions

	// KeyIdle is how long a keyed lane without work stays alive. Default one minute.
	KeyIdle time.Duration

	// MaxDepth is how many jobs may stand on one another on one lane, against runaway recursion. Default 1000.
	MaxDepth int

	// Repanic makes Await panic with the [parley.PanicError] of a function that panicked, instead of returning it.
	Repanic bool

	// Unobserved is told of failures nobody waits for: of an abandoned function, and of a failed call whose Future
	// was dropped unread (found by the garbage collector). It must not block. Default: slog.Default at level error.
	Unobserved func(err error)

	// Engine starts the bridge's goroutines. Default: a pool of the ants library, which recycles them.
	Engine Engine
}

// Bridge owns a bounded pool, lanes and their accounts. Make one with [New] and end it with [Bridge.Close].
// All methods may be called from any goroutine.
type Bridge struct {
	opts    Options
	engine  Engine
	worker  func()    // b.work, made once: starting a call allocates no closure
	waiters sync.Pool // of *waiter; the bridge's own, since channels must not travel between synctest bubbles

	mu      sync.Mutex // held for a few instructions only, never across a function of the user's
	out     outbox
	seq     uint64
	live    int // calls accepted and not over
	stats   Stats
	pool    queue
	free    int     // tokens nobody holds; negative while more functions run than the capacity allows
	stray   jobList // nested calls that wait for a token and are awaited
	idle    jobList // functions that wait inside the bridge and have lent their token to nobody
	granted jobList // calls that have a token, for workers to take
	coming  bool    // a worker is on its way
	common  *Lane   // the default lane
	keyed   map[any]*Lane
	lanes   map[*Lane]struct{} // those with a thread
	starved []*Lane            // those that wait for one, oldest first
	phase   uint8
	closed  latch
}

// outbox is what a critical section leaves to do once the mutex is free.
type outbox struct {
	wake  chan struct{}
	spawn bool // a worker
	rare  *rareWork
}

type rareWork struct {
	failures []error
	finish   bool
}

// New makes a Bridge. It returns an error for options that make no sense.
func New(options Options) (*Bridge, error) {
	opts, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	b := &Bridge{opts: opts, engine: opts.Engine, free: opts.Capacity, lanes: map[*Lane]struct{}{}}
	if b.engine == nil {
		if b.engine, err = newAntsEngine(); err != nil {
			return nil, err
		}
	}
	b.stats.Capacity = opts.Capacity
	b.waiters.New = func() any { return newWaiter() }
	b.worker = b.runGranted
	b.stray.stray = true
	return b, nil
}

// Default returns the bridge of calls whose context has none, made with default options when first needed.
// A program that starts calls in synctest bubbles puts a bridge of the bubble into the context instead.
func Default() *Bridge { return defaultBridge() }

var defaultBridge = sync.OnceValue(func() *Bridge {
	b, err := New(Options{})
	if err != nil {
		panic(err) // the zero Options are valid, and ants refuses nothing without options
	}
	return b
})

func (b *Bridge) mustBeMade(method string) {
	if b == nil || b.worker == nil {
		panic("bridge: " + method + ": Bridge was not made by New")
	}
}

// unlock ends a critical section and does what it left to do.
func (b *Bridge) unlock() {
	wake, spawn, rare := b.out.wake, b.out.spawn, b.out.rare
	if wake != nil {
		b.out.wake = nil
	}
	b.out.spawn = false
	if rare != nil {
		b.out.rare = nil
	}
	b.mu.Unlock()
	if wake != nil {
		hint(wake)
	}
	if spawn {
		b.spawn(b.worker)
	}
	if rare != nil {
		b.doRare(rare)
	}
}

func (b *Bridge) later() *rareWork {
	if b.out.rare == nil {
		b.out.rare = &rareWork{}
	}
	return b.out.rare
}

func (b *Bridge) doRare(work *rareWork) {
	for _, err := range work.failures {
		b.opts.Unobserved(err)
	}
	if work.finish {
		go b.finish()
	}
}

func (b *Bridge) wakeLater(wake chan struct{}) {
	if b.out.wake != nil {
		hint(b.out.wake)
	}
	b.out.wake = wake
}

func (b *Bridge) spawn(task func()) {
	if b.engine.Go(task) != nil {
		go task()
	}
}
