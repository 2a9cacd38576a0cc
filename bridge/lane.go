package bridge

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/parleygo/parley"
)

// LaneOptions configures a lane.
type LaneOptions struct {
	// Start runs on the lane's thread before its first job. If it fails, so do the calls, with [ErrLaneLost]
	// and Start's error.
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

// Lane runs jobs one at a time, in the order of their acceptance, on one OS thread of its own: locked for the lane's
// whole life, destroyed at its end, never the main thread. Most programs use lanes through [ThreadSensitive] and
// [Keyed]; [Bridge.NewLane] makes one to keep. All methods may be called from any goroutine.
type Lane struct {
	bridge *Bridge
	hooks  LaneOptions
	keyed  bool
	key    any

	queue   queue
	stack   []*activation // what runs on the thread, innermost last; written by the lane's goroutine only
	spare   []*activation
	wake    chan struct{}
	blocked bool // the goroutine sleeps and wants a hint about new jobs
	state   uint8
	refusal error // why calls are refused; nil: they are not
	thread  uint64
	depth   int    // jobs standing on one another, inline ones included
	started bool   // the Start hook succeeded: Stop is due
	used    uint64 // when the lane last came to rest, in accepted calls
	values  map[any]laneValue
	end     latch
}

// NewLane makes a lane that lives until [Lane.Close] or [Bridge.Close]. It takes a thread at its first call.
func (b *Bridge) NewLane(options LaneOptions) *Lane {
	b.mustBeMade("NewLane")
	return b.newLane(options)
}

func (b *Bridge) newLane(hooks LaneOptions) *Lane {
	return &Lane{bridge: b, hooks: hooks, wake: make(chan struct{}, 1)}
}

func (l *Lane) lane() (*Lane, error) { return l, nil }

// WithLane returns a context whose calls run on l, as within a scope.
func WithLane(ctx context.Context, l *Lane) context.Context {
	mustContext(ctx)
	l.mustBeMade("WithLane")
	return &place{Context: ctx, bridge: l.bridge, target: l, job: placeOf(ctx).job}
}

func (l *Lane) mustBeMade(user string) {
	if l == nil || l.bridge == nil {
		panic("bridge: " + user + ": Lane was not made by NewLane")
	}
}

// start gives the lane a thread, or a place among those waiting for one.
func (l *Lane) start(root bool) {
	b := l.bridge
	full := b.opts.MaxLanes >= 0 && len(b.lanes) >= b.opts.MaxLanes
	switch {
	case l.state >= laneAlive:
		return
	case !full || !root:
		b.admitLane(l)
	case l.state == laneNew:
		l.state = laneStarving
		b.starved = append(b.starved, l)
		b.evictIdle()
	}
}

func (b *Bridge) admitLane(l *Lane) {
	l.state = laneAlive
	b.lanes[l] = struct{}{}
	go l.main(nil)
}

// spareLocks is how often a lane locks its thread: that many times less one can jobs call runtime.UnlockOSThread
// without a matching lock before they give the thread away.
const spareLocks = 256

// main runs the lane. If it finds itself on the process's main thread, which would survive it with all state the
// jobs leave there, it holds that thread until another goroutine has got a different one.
func (l *Lane) main(elsewhere chan<- struct{}) {
	for range spareLocks {
		runtime.LockOSThread()
	}
	l.thread, _ = threadID()
	if l.thread == mainThread && l.thread != 0 {
		got := make(chan struct{})
		go l.main(got)
		<-got
		for range spareLocks {
			runtime.UnlockOSThread()
		}
		if elsewhere != nil {
			close(elsewhere)
		}
		return
	}
	if elsewhere != nil {
		close(elsewhere)
	}
	threads.add(l.thread, l)
	defer l.over()
	defer l.runStop()
	if err := l.runStart(); err != nil {
		l.bridge.mu.Lock()
		l.lose(fmt.Errorf("%w: start hook: %w", ErrLaneLost, err))
		l.bridge.unlock()
		return
	}
	l.started = true
	l.loop()
}

func (l *Lane) runStart() (err error) {
	if l.hooks.Start == nil {
		return nil
	}
	defer func() {
		if value := recover(); value != nil {
			err = parley.NewPanicError(value)
		}
	}()
	return l.hooks.Start()
}

// loop runs jobs until the lane is told to end. It drains the queue per wake-up, because waking a locked thread
// costs tens of microseconds.
func (l *Lane) loop() {
	b := l.bridge
	b.mu.Lock()
	for {
		if j := l.queue.jobs.head; j != nil {
			l.perform(j)
			continue
		}
		if l.state == laneClosing || l.state == laneOver {
			b.unlock()
			return
		}
		if !l.rest() && l.queue.jobs.head == nil {
			l.close()
		}
	}
}

// rest sleeps until there may be work. It returns false after a keyed lane was idle for its time.
func (l *Lane) rest() bool {
	b := l.bridge
	l.blocked = true
	l.used = b.seq
	b.unlock()
	defer b.mu.Lock()
	if !l.keyed {
		<-l.wake
		return true
	}
	idle := time.NewTimer(b.opts.KeyIdle)
	defer idle.Stop()
	select {
	case <-l.wake:
		return true
	case <-idle.C:
		return false
	}
}

// rouse tells the lane's goroutine about new work.
func (l *Lane) rouse() {
	if l.blocked {
		l.blocked = false
		go l.nudge()
	}
}

// nudge wakes the lane's thread after everybody else who can run has run. Waking it costs tens of microseconds,
// so it should find more than the first call. The goroutine ends at once; a hint too many does no harm.
func (l *Lane) nudge() {
	runtime.Gosched()
	hint(l.wake)
}

// close makes the lane refuse calls and end once its jobs are done. The bridge's mutex is held.
func (l *Lane) close() {
	if l.state >= laneClosing {
		return
	}
	l.refusal = ErrClosed
	l.forgetKey()
	if l.state == laneAlive {
		l.state = laneClosing
		l.rouse()
		return
	}
	if l.state == laneStarving && l.queue.jobs.head != nil {
		return // what it accepted still gets a thread, and then it closes
	}
	l.state = laneOver
	l.bridge.fire(&l.end)
}

func (l *Lane) forgetKey() {
	if l.keyed && l.bridge.keyed[l.key] == l {
		delete(l.bridge.keyed, l.key)
	}
}

// lose ends a lane whose thread cannot go on: all that waits for it fails. The bridge's mutex is held.
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

// runStop runs the Stop hook, even while the goroutine exits, unless the lane's thread was lost.
func (l *Lane) runStop() {
	defer func() {
		if value := recover(); value != nil {
			l.bridge.opts.Unobserved(parley.NewPanicError(value))
		}
	}()
	if id, _ := threadID(); id != l.thread {
		return
	}
	l.closeValues()
	if l.started && l.hooks.Stop != nil {
		l.hooks.Stop()
	}
}

// over runs when the lane's goroutine ends, whether it returned or exits. Its thread goes with it.
func (l *Lane) over() {
	threads.remove(l.thread)
	b := l.bridge
	b.mu.Lock()
	defer b.unlock()
	if l.state == laneClosing {
		l.state = laneOver
	}
	l.lose(ErrLaneLost)
	delete(b.lanes, l)
	b.fire(&l.end)
	b.feedStarved()
}

// feedStarved gives a thread to lanes that wait for one.
func (b *Bridge) feedStarved() {
	for len(b.starved) > 0 && len(b.lanes) < b.opts.MaxLanes {
		l := b.starved[0]
		b.starved[0] = nil
		b.starved = b.starved[1:]
		if l.state != laneStarving {
			continue
		}
		b.admitLane(l)
		if l.refusal != nil {
			l.state = laneClosing
		}
	}
}

// Close makes the lane refuse calls, waits until those it accepted are done and its thread is gone, and returns nil;
// or returns the cause of ctx if that ends first, and the lane ends in the background. It returns [ErrDeadlock]
// and does nothing if called from a job of the lane or with a context descending from one. Close may be called repeatedly.
func (l *Lane) Close(ctx context.Context) error {
	mustContext(ctx)
	l.mustBeMade("Close")
	b := l.bridge
	act := here(ctx)
	caller := placeOf(ctx).job
	b.mu.Lock()
	inside := caller.ancestor(func(j *job) bool { return j.liveIn(b) && j.home == l }) != nil
	if inside || (act != nil && act.lane == l) {
		b.unlock()
		return ErrDeadlock
	}
	l.close()
	b.unlock()
	if !b.wait(ctx, &l.end, ctx.Done(), nil) {
		return endOf(ctx)
	}
	return nil
}
