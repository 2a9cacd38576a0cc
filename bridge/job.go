package bridge

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/usercode"
)

// A job goes through these states once, in order, under its bridge's mutex. Whoever moves it first
// wins: that settles the race between a job that begins and the end of its context.
const (
	stateNew     = iota
	stateWaiting // in a queue, an inbox or at a queue's door
	stateGranted // its turn has come; a goroutine is about to begin it
	stateRunning
	stateOver // the function returned or never will run
)

// job is one call. It is also the context its function gets, which is how work inside finds its
// origin. What the constructor sets stays; the rest is guarded by position.bridge.mu.
type job struct {
	position
	up   *job // the call its context was handed to: whose work this is
	by   *job // the call on whose thread it was made, if that is not among its ups
	work work

	home  *Lane       // nil: the pool
	act   *activation // where it runs, on a lane
	turn  links       // its place wherever it waits to run
	seq   uint64
	extra *extra // what only some calls need
	waits int32  // waits in the bridge made with its context

	state     atomic.Uint32 // written under the mutex, read anywhere
	elsewhere bool          // runs asynchronous code: no token, no lane
	dedicated bool
	abandon   bool
	abandoned bool
	repanic   bool
	life      uint8 // how its context ends: one of the constants below
	counted   bool  // waits as a root call, against its queue's limit
	admitted  bool  // came from the pool's queue

	latch
	err error
}

// How a call's context ends.
const (
	lifeEndless = iota
	lifeMortal  // with the caller's
	lifeBounded // with the caller's, or by a deadline of its own
)

// extra keeps what most calls do without out of their one allocation.
type extra struct {
	awaited links // its place in tokens.awaited
	entered latch // past the door of a full queue
	maker   *job  // the function that made it, if that counts as waiting for it
	done    chan struct{}
	given   context.Context // the caller's, if the call has a deadline of its own
	cancel  func()          // ends that deadline
	since   time.Time       // when it began to wait for its turn, if Options.Slow is to be told
	watched bool
	unwatch func() bool // see job.watch
	unread  *unobserved
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

func (j *job) waiting() bool { return j.state.Load() == stateWaiting }
func (j *job) running() bool { return j.state.Load() == stateRunning }
func (j *job) over() bool    { return j.state.Load() == stateOver }

// inPool reports whether j runs, or will run, on the pool.
func (j *job) inPool() bool { return j.home == nil && !j.elsewhere }

// work is the typed half of a job: it calls the function and keeps the value.
type work interface {
	execute() error
	forget()       // drops function and arguments
	function() any // the user's, for its name; nil once it is forgotten
}

// run calls the function and turns a panic into an error. If the function calls runtime.Goexit, run
// does not return.
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
	err = usercode.Sound(j.work.execute())
	returned = true
	return err
}

// accept gives the job its number; from here on the bridge owes it an end.
func (b *Bridge) accept(j *job) {
	b.seq++
	j.seq = b.seq
	j.state.Store(stateWaiting)
	b.live++
	b.stats.Queued++
}

func (b *Bridge) begin(j *job) {
	j.state.Store(stateRunning)
	b.stats.Queued--
	if !j.elsewhere {
		b.stats.Running++
	}
}

// end records that the function returned: everything but tokens and lanes, which the pool and the
// lane look after.
func (b *Bridge) end(j *job, err error) {
	j.state.Store(stateOver)
	b.live--
	if j.waits > 0 {
		j.waits = 0
		b.countParked(j, -1)
	}
	if !j.elsewhere {
		b.stats.Running--
		b.stats.Served++
	}
	if j.abandoned {
		b.stats.Abandoned--
		if err != nil {
			b.afterwards(func() { b.tell(err) })
		}
		b.release(j)
	} else {
		if err != nil && j.waiters.Load() == nil && !j.elsewhere {
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
		b.release(j)
	}
	if unwatch := j.more().unwatch; unwatch != nil {
		b.afterwards(func() { unwatch() })
		j.extra.unwatch = nil
	}
	if done := j.more().done; done != nil {
		close(done)
	}
	b.unparkMaker(j)
	b.fire(&j.latch)
}

// release drops what the call does not need any more, so that a kept Future or context retains no
// argument.
func (b *Bridge) release(j *job) {
	j.work.forget()
	if cancel := j.more().cancel; cancel != nil {
		b.afterwards(cancel)
		j.extra.cancel = nil
	}
}

// withdraw ends a job that has not begun. It reports whether it did.
func (b *Bridge) withdraw(j *job, err error) bool {
	switch j.state.Load() {
	case stateWaiting:
		b.leaveLine(j)
	case stateGranted:
		if j.turn.list != nil {
			j.turn.list.remove(j)
		}
		if j.inPool() {
			b.giveBack(j)
		}
	default:
		return false
	}
	j.state.Store(stateOver)
	b.live--
	b.stats.Queued--
	b.complete(j, err)
	if j.home != nil {
		j.home.stopStarving()
	}
	b.dispatch()
	b.closeIfIdle()
	return true
}

// leaveLine takes a waiting job out of wherever it waits, and lets the next one at the door in.
func (b *Bridge) leaveLine(j *job) {
	if line := j.turn.list; line != nil {
		line.remove(j)
	}
	if line := j.more().awaited.list; line != nil {
		line.remove(j)
	}
	if j.counted {
		b.left(j)
	}
}

// ended returns why the call's own context has ended, nil if it has not. It calls code of the
// user's, so no mutex is held.
func (j *job) ended() error {
	if j.life == lifeEndless {
		return nil
	}
	// A deadline of the call's own is a child of the caller's context, and may hear late of its end.
	if j.life == lifeBounded && j.extra.given.Err() != nil &&
		!errors.Is(context.Cause(j.Context), ErrRunTimeout) {
		return endOf(j.extra.given)
	}
	if j.Context.Err() == nil {
		return nil
	}
	return endOf(j.Context)
}

// contextEnded applies the rules for a call whose own context has ended. It reports whether the
// call is complete.
func (b *Bridge) contextEnded(j *job, why error) bool {
	if j.fired() {
		return true
	}
	if j.state.Load() < stateRunning {
		return b.withdraw(j, j.timedOut(why, ErrQueueTimeout))
	}
	if !j.abandon || !j.running() {
		return false
	}
	j.abandoned = true
	if view := j.more().view; view != nil {
		view.store.Store(view.store.Load().fork())
	}
	b.stats.Abandoned++
	b.complete(j, j.timedOut(why, ErrRunTimeout))
	return true
}

// timedOut returns timeout if the call's own deadline is why it ended, else why.
func (j *job) timedOut(why, timeout error) error {
	if j.life == lifeBounded && errors.Is(why, ErrRunTimeout) {
		return timeout
	}
	return why
}

// watch makes the end of the call's context known to the bridge even if nobody awaits the call.
// No mutex is held.
func (j *job) watch() {
	b := j.bridge
	b.mu.Lock()
	due := j.life != lifeEndless && !j.more().watched && !j.fired()
	if due {
		j.need().watched = true
	}
	b.unlock()
	if !due {
		return
	}
	unwatch := context.AfterFunc(j.Context, j.tellEnd)
	b.mu.Lock()
	j.extra.unwatch = unwatch
	over := j.fired()
	b.unlock()
	if over {
		unwatch()
	}
}

// tellEnd tells the bridge that the call's context has ended, if it has.
func (j *job) tellEnd() {
	if why := j.ended(); why != nil {
		j.tellEnded(why)
	}
}

// tellEnded reports whether the call is complete.
func (j *job) tellEnded(why error) bool {
	b := j.bridge
	b.mu.Lock()
	defer b.unlock()
	return b.contextEnded(j, why)
}

// limitTime gives the call a deadline of its own.
func (j *job) limitTime(d time.Duration) {
	j.life = lifeBounded
	extra := j.need()
	extra.given = j.Context
	j.Context, extra.cancel = context.WithTimeoutCause(j.Context, d, ErrRunTimeout)
}
