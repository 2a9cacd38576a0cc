package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/parleygo/parley"
)

// A job goes through these states once, in order, under its bridge's mutex. Whoever moves it first wins:
// that settles the race between a job that begins and the end of its context.
const (
	stateNew     = iota
	stateWaiting // in a queue, an inbox or at a queue's door
	stateGranted // has its token; a goroutine is on its way
	stateRunning
	stateOver // the function returned or never will run
)

// job is one call. It is also the context its function gets, which is how work inside finds its origin.
// What the constructor sets stays; the rest is guarded by place.bridge.mu.
type job struct {
	place
	up   *job // the call its context was handed to: whose work this is
	by   *job // the call on whose thread it was made, if that is not among its ups
	work work

	home  *Lane       // nil: the pool
	act   *activation // where it runs, on a lane
	turn  links       // its place wherever it waits to run
	seq   uint64
	extra *extra // what only some calls need
	waits int32  // waits in the bridge made with its context

	state     uint8
	isLeave   bool // runs asynchronous code: no token, no lane
	dedicated bool
	abandon   bool
	abandoned bool
	repanic   bool
	awaited   bool // somebody awaits it: it may use the token of a function that waits
	wanted    bool // somebody selects on Done: it may use the token of its maker
	bounded   bool // has a deadline of its own
	counted   bool // waits as a root call, against its queue's limit

	latch
	err error
}

// extra keeps what most calls do without out of their one allocation.
type extra struct {
	stray   links // its place in Bridge.stray
	lender  *job  // whose token it uses; nil: its own
	nest    *nest // who uses its token
	behind  *job  // whose token it used until its caller went on
	done    chan struct{}
	cancel  func()      // ends the deadline of its own
	unwatch func() bool // see Bridge.watch
	unread  *unread
	view    *storeView // in abandon mode
}

// none is the extra of calls that have none. It is only read.
var none extra

func (j *job) more() *extra {
	if j.extra == nil {
		return &none
	}
	return j.extra
}

func (j *job) need() *extra {
	if j.extra == nil {
		j.extra = &extra{}
	}
	return j.extra
}

// work is the typed half of a job: it calls the function and keeps the value.
type work interface {
	execute() error
	forget() // drops function and arguments
}

// run calls the function and turns a panic into an error. If the function calls runtime.Goexit, run does not return.
func (j *job) run() (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if value := recover(); value != nil {
			err = parley.NewPanicError(value)
		}
	}()
	err = j.work.execute()
	returned = true
	return err
}

// accept gives the job its number; from here on the bridge owes it an end.
func (b *Bridge) accept(j *job) {
	b.seq++
	j.seq = b.seq
	j.state = stateWaiting
	b.live++
	b.stats.Queued++
}

func (b *Bridge) begin(j *job) {
	j.state = stateRunning
	b.stats.Queued--
	if !j.isLeave {
		b.stats.Running++
	}
}

// end records that the function returned: everything but tokens and lanes, which the pool and the lane look after.
func (b *Bridge) end(j *job, err error) {
	j.state = stateOver
	b.live--
	if j.waits > 0 {
		j.waits = 0
		b.noteIdle(j)
		b.countParked(j, -1)
	} else {
		b.countBehind(j, -1)
	}
	if !j.isLeave {
		b.stats.Running--
		b.stats.Served++
	}
	if j.abandoned {
		b.stats.Abandoned--
		if err != nil {
			later := b.later()
			later.failures = append(later.failures, err)
		}
		j.release()
	} else {
		if err != nil && j.waiters.Load() == nil && !j.isLeave {
			j.need().unread = b.watchUnread(j, err)
		}
		b.complete(j, err)
	}
	b.closeIfIdle()
}

// complete publishes the result. The value was stored by execute.
func (b *Bridge) complete(j *job, err error) {
	j.err = err
	if !j.abandoned {
		j.release()
	}
	if unwatch := j.more().unwatch; unwatch != nil {
		unwatch()
		j.extra.unwatch = nil
	}
	if done := j.more().done; done != nil {
		close(done)
	}
	b.fire(&j.latch)
}

// release drops what the call does not need any more, so that a kept Future or context retains no argument.
func (j *job) release() {
	j.work.forget()
	if cancel := j.more().cancel; cancel != nil {
		cancel()
		j.extra.cancel = nil
	}
}

// withdraw ends a job that has not begun. It reports whether it did.
func (b *Bridge) withdraw(j *job, err error) bool {
	var lender *job
	free := false
	switch j.state {
	case stateWaiting:
		b.leaveLine(j)
	case stateGranted:
		j.turn.list.remove(j)
		lender, free = b.unlinkToken(j)
		b.countBehind(j, -1)
	default:
		return false
	}
	j.state = stateOver
	b.live--
	b.stats.Queued--
	b.complete(j, err)
	b.passToken(lender, free)
	b.closeIfIdle()
	return true
}

// leaveLine takes a waiting job out of wherever it waits, and lets the next one at the door in.
func (b *Bridge) leaveLine(j *job) {
	if list := j.turn.list; list != nil {
		list.remove(j)
	}
	if list := j.more().stray.list; list != nil {
		list.remove(j)
	}
	if j.counted {
		b.left(j)
	}
}

// contextEnded applies the rules for a call whose own context has ended. It reports whether the call is complete.
func (b *Bridge) contextEnded(j *job) bool {
	if j.fired() {
		return true
	}
	if j.state < stateRunning {
		return b.withdraw(j, j.endError(ErrQueueTimeout))
	}
	if !j.abandon || j.state != stateRunning {
		return false
	}
	j.abandoned = true
	if view := j.more().view; view != nil {
		view.store.Store(view.store.Load().fork())
	}
	b.stats.Abandoned++
	b.complete(j, j.endError(ErrRunTimeout))
	return true
}

func (j *job) endError(timeout error) error {
	if j.bounded && errors.Is(context.Cause(j.Context), ErrRunTimeout) {
		return timeout
	}
	return endOf(j.Context)
}

// watch makes the end of the call's context known to the bridge even if nobody awaits the call.
func (b *Bridge) watch(j *job) {
	if j.more().unwatch != nil || j.Context.Done() == nil || j.fired() {
		return
	}
	j.need().unwatch = context.AfterFunc(j.Context, func() {
		b.mu.Lock()
		b.contextEnded(j)
		b.unlock()
	})
}

// limitTime gives the call a deadline of its own.
func (j *job) limitTime(d time.Duration) {
	j.bounded = true
	j.Context, j.need().cancel = context.WithTimeoutCause(j.Context, d, ErrRunTimeout)
}

// ancestor returns the innermost call that j was made in (j included) for which match holds, nil if there is none.
func (j *job) ancestor(match func(*job) bool) *job {
	for ; j != nil; j = j.up {
		if match(j) {
			return j
		}
		if found := j.by.ancestor(match); found != nil {
			return found
		}
	}
	return nil
}

// liveIn reports whether j's function is being executed for b, so that work below it must not be refused.
func (j *job) liveIn(b *Bridge) bool { return j.bridge == b && j.state == stateRunning }
