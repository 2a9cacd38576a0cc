package bridge

import (
	"context"

	"github.com/parleygo/parley"
)

// Future is the result of a call, now or later. It completes exactly once, and completing never waits for a reader.
// All methods may be called from any goroutine, any number of times.
type Future[T any] struct {
	job   job
	value T
}

// Await waits for the result and returns it. Within a function that runs on a lane it serves the lane meanwhile.
//
// Two contexts matter. The context the call was started with governs the call: if it ends before the function began,
// the function never runs and Await returns the cause; once the function runs, its result decides, so that it never
// runs on behind its caller's back (see [Abandon] for the other choice). The context given here bounds this wait:
// if it ends while the call's own has not, Await returns its cause, and the call goes on and can be awaited again.
// A result that is there wins over any context.
func (f *Future[T]) Await(ctx context.Context) (T, error) {
	mustContext(ctx)
	j := &f.job
	if j.work == nil {
		var zero T
		return zero, errNotMade
	}
	if !j.fired() {
		if err := j.await(ctx); err != nil {
			var zero T
			return zero, err
		}
	}
	return f.result()
}

// result is for completed calls.
func (f *Future[T]) result() (T, error) {
	j := &f.job
	if u := j.more().unread; u != nil {
		u.seen.Store(true)
	}
	if j.abandoned {
		var zero T // the function may be writing the value
		return zero, j.err
	}
	if j.repanic {
		if p, ok := j.err.(*parley.PanicError); ok {
			panic(p)
		}
	}
	return f.value, j.err
}

// Done returns a channel that is closed when the call is complete, for use in select. Prefer Await inside functions
// that run on a lane: waiting on a channel cannot serve the lane. Done of a zero Future is nil.
func (f *Future[T]) Done() <-chan struct{} {
	j := &f.job
	if j.work == nil {
		return nil
	}
	b := j.bridge
	b.mu.Lock()
	defer b.unlock()
	if j.fired() {
		done := j.more().done
		if done == nil {
			done = make(chan struct{})
			close(done)
		}
		return done
	}
	extra := j.need()
	if extra.done == nil {
		extra.done = make(chan struct{})
	}
	b.watch(j)
	b.noteAwaited(j, true)
	return extra.done
}

// await returns nil once j is complete, or why the wait ended before.
func (j *job) await(ctx context.Context) error {
	own, wait := j.Context.Done(), ctx.Done()
	if own == wait {
		own = nil
	}
	for !j.wait(ctx, wait, own) {
		complete, callOver := j.leave()
		switch {
		case complete:
			return nil
		case callOver: // the function runs and has been told; its result decides
			own, wait = nil, nil
		case ctx.Err() != nil:
			return endOf(ctx)
		}
	}
	return nil
}

func (j *job) wait(ctx context.Context, end, end2 <-chan struct{}) bool {
	if j.nested() {
		j.bridge.mu.Lock()
		j.bridge.noteAwaited(j, false)
		j.bridge.unlock()
	}
	act := here(ctx)
	if act == nil {
		return j.bridge.waitPlain(placeOf(ctx).job, &j.latch, end, end2)
	}
	if act.awaits(j) {
		defer act.awaitsNothing()
		return act.lane.await(act, j.bridge, &j.latch, end, end2)
	}
	return true // it would wait for ever: j has failed with ErrDeadlock
}

// leave is called when a wait for j ends before j does.
func (j *job) leave() (complete, callOver bool) {
	b := j.bridge
	b.mu.Lock()
	defer b.unlock()
	if j.fired() {
		return true, true
	}
	if j.Context.Err() == nil {
		return false, false
	}
	return b.contextEnded(j), true
}
