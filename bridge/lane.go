package bridge

import (
	"context"
	"time"
)

// LaneOptions configures a lane.
type LaneOptions struct {
	// Start runs on the lane's thread before its first job. If it fails, so do the calls, with
	// [ErrLaneLost] and Start's error. It must not wait for a call on its own lane.
	Start func() error

	// Stop runs on the lane's thread after its last job, also after a failure; not if Start failed
	// or the thread was lost ([ErrAffinity]).
	Stop func()
}

// A lane is made without a thread, and gets one with its first job.
const (
	laneNew      = iota
	laneStarving // Options.MaxLanes are alive; waits for one of them to end
	laneAlive
	laneClosing // runs what it accepted, then ends
	laneOver
)

// Lane runs jobs one at a time, in the order of their acceptance, on one OS thread of its own:
// locked for the lane's whole life, destroyed at its end, never the main thread. Most programs use
// lanes through [ThreadSensitive] and [Keyed]; [Bridge.NewLane] makes one to keep. All methods may
// be called from any goroutine.
type Lane struct {
	bridge *Bridge
	hooks  LaneOptions
	keyed  bool
	key    any     // of one that the bridge made on its own: what it is called
	opened uintptr // where a scope or the program made it, as a program counter; 0: neither

	queue     queue
	stack     []*activation // what runs on the thread, innermost last
	spare     []*activation
	wake      chan struct{}
	blocked   bool // the goroutine sleeps and wants a hint about new jobs
	state     uint8
	refusal   error // why calls are refused; nil: they are not
	line      lineOfLanes
	yields    bool      // it ends because others need its thread
	since     time.Time // when it came to rest or began to starve; zero: neither
	thread    uint64
	depth     int  // jobs standing on one another, inline ones included
	started   bool // the Start hook succeeded: Stop is due
	values    map[any]laneValue
	valuesSet int // how often one was
	walks     int // that need this very thread for their next steps
	end       latch
}

// NewLane makes a lane that lives until [Lane.Close] or [Bridge.Close]. It takes a thread at its
// first call.
func (b *Bridge) NewLane(options LaneOptions) *Lane {
	b.mustBeMade("NewLane")
	l := b.newLane(options)
	l.opened = callerOf(1)
	return l
}

func (b *Bridge) newLane(hooks LaneOptions) *Lane {
	return &Lane{bridge: b, hooks: hooks, wake: make(chan struct{}, 1)}
}

func (l *Lane) lane() (*Lane, error) { return l, nil }

// passing reports whether the lane ends for want of work.
func (l *Lane) passing() bool { return l.keyed && l.walks == 0 }

// WithLane returns a context whose calls run on l, as within a scope.
func WithLane(ctx context.Context, l *Lane) context.Context {
	mustContext(ctx)
	l.mustBeMade("WithLane")
	return &position{Context: ctx, bridge: l.bridge, target: l, job: positionOf(ctx).job}
}

func (l *Lane) mustBeMade(user string) {
	if l == nil || l.bridge == nil {
		panic("bridge: " + user + ": Lane was not made by NewLane")
	}
}

// rouse tells the lane's goroutine about new work.
func (l *Lane) rouse() {
	l.leaveRest()
	if l.blocked {
		l.blocked = false
		go l.nudge()
	}
}

// close makes the lane refuse calls and end once its jobs are done. The bridge's mutex is held.
func (l *Lane) close() {
	if l.state >= laneClosing {
		return
	}
	l.refusal = ErrClosed
	l.forgetKey()
	switch {
	case l.state == laneAlive:
		l.state = laneClosing
		l.rouse()
	case !l.queue.empty(): // what it accepted still gets a thread, and then it closes
	default:
		l.state = laneOver
		l.bridge.fire(&l.end)
	}
}

// lose ends a lane whose thread cannot go on: all that waits for it fails. The bridge's mutex is
// held.
func (l *Lane) lose(why error) {
	if l.state == laneOver {
		return
	}
	l.state = laneOver
	l.refusal = why
	l.forgetKey()
	l.failWaiting(why)
}

func (l *Lane) failWaiting(why error) {
	b := l.bridge
	for _, act := range l.stack {
		for j := act.inbox.head; j != nil; j = act.inbox.head {
			b.withdraw(j, why)
		}
	}
	b.failQueue(&l.queue, why)
}

// Close makes the lane refuse calls, waits until those it accepted are done and its thread is gone,
// and returns nil. If ctx ends first, it returns the cause, and the lane ends in the background. It
// returns [ErrDeadlock] and does nothing if called from a job of the lane or with a context
// descending from one. Where the wait proves endless, because the lane waits for the caller's, it
// also returns ErrDeadlock, and the lane ends in the background. Close may be called repeatedly.
func (l *Lane) Close(ctx context.Context) error {
	mustContext(ctx)
	l.mustBeMade("Close")
	b := l.bridge
	act := here(ctx)
	caller := positionOf(ctx).caller()
	b.mu.Lock()
	inside := caller.ancestor(func(j *job) bool { return j.liveIn(b) && j.home == l }) != nil
	if inside || (act != nil && act.lane == l) {
		b.unlock()
		return ErrDeadlock
	}
	l.close()
	b.unlock()
	if l.waitEnd(act, caller, ctx.Done()) {
		return nil
	}
	if ctx.Err() != nil {
		return endOf(ctx)
	}
	return ErrDeadlock
}

// waitEnd waits for the lane's end.
func (l *Lane) waitEnd(act *activation, caller *job, end <-chan struct{}) bool {
	if act != nil {
		return act.awaitThat(awaited{end: l}, l.bridge, &l.end, end, nil) == waitOver
	}
	if caller != nil && caller.running() {
		return l.bridge.waitPlain(caller, &l.end, end, nil)
	}
	l.bridge.countUnseen(1)
	defer l.bridge.countUnseen(-1)
	return l.bridge.waitPlain(nil, &l.end, end, nil)
}

func (b *Bridge) countUnseen(change int) {
	b.mu.Lock()
	b.tokens.unseen += change
	b.dispatch()
	b.unlock()
}
