package bridge

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"
)

// Bridge owns a bounded pool, lanes and their accounts. Make one with [New] and end it with
// [Bridge.Close]. All methods may be called from any goroutine.
type Bridge struct {
	opts    Options
	engine  Engine
	id      uint64    // the order in which the mutexes of several bridges are taken
	worker  func()    // b.runGranted, made once: starting a call allocates no closure
	waiters sync.Pool // of *waiter; the bridge's own: channels must not travel between bubbles

	mu      sync.Mutex // held for a few instructions only, never across code of the user's
	out     outbox
	seq     uint64
	live    int // calls accepted and not over
	stats   Stats
	tokens  tokens
	pool    queue
	granted jobList // calls that have a token, for workers to take
	coming  bool    // a worker is on its way
	lanes   laneAccounts
	slow    *time.Timer // runs while calls wait for their turn, if Options.Slow is to be told
	phase   uint8
	closed  latch
}

// outbox is what a critical section leaves to do once the mutex is free.
type outbox struct {
	wake  chan struct{}
	spawn bool     // a worker
	rest  []func() // what seldom comes up, and all that may be code of the user's
}

var made atomic.Uint64

// New makes a Bridge. It panics if the options make no sense, and returns an error if the default
// engine cannot be made.
func New(options Options) (*Bridge, error) {
	opts := options.withDefaults()
	b := &Bridge{opts: opts, engine: opts.Engine, id: made.Add(1)}
	if b.engine == nil {
		var err error
		if b.engine, err = newAntsEngine(); err != nil {
			return nil, err
		}
	}
	b.stats.Capacity = opts.Capacity
	b.waiters.New = func() any { return newWaiter() }
	b.worker = b.runGranted
	b.tokens.awaited.second = true
	b.lanes.alive = map[*Lane]struct{}{}
	b.lanes.starved, b.lanes.resting = list.New(), list.New()
	return b, nil
}

// Default returns the bridge of calls whose context has none, made with default options when first
// needed. A program that starts calls in synctest bubbles puts a bridge of the bubble into the
// context instead.
func Default() *Bridge {
	standard.once.Do(func() {
		var err error
		if standard.bridge, err = New(Options{}); err != nil {
			panic(err) // ants refuses nothing without options
		}
	})
	return standard.bridge
}

var standard struct {
	once   sync.Once
	bridge *Bridge
}

func (b *Bridge) mustBeMade(method string) {
	if b == nil || b.worker == nil {
		panic("bridge: " + method + ": Bridge was not made by New")
	}
}

// unlock ends a critical section and does what it left to do.
func (b *Bridge) unlock() {
	out := b.out
	if out.wake != nil || out.spawn || out.rest != nil {
		b.out = outbox{}
	}
	b.mu.Unlock()
	out.empty(b)
}

func (o *outbox) empty(b *Bridge) {
	if o.wake != nil {
		hint(o.wake)
	}
	if o.spawn {
		b.spawn(b.worker)
	}
	for _, do := range o.rest {
		do()
	}
}

// afterwards leaves do to unlock.
func (b *Bridge) afterwards(do func()) { b.out.rest = append(b.out.rest, do) }

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
