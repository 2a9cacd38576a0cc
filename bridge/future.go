package bridge

import (
	"context"

	"github.com/parleygo/parley"
)

// Future is the result of a call, now or later. It completes exactly once, and completing never
// waits for a reader. All methods may be called from any goroutine, any number of times.
type Future[T any] struct {
	job   job
	value T
}

// Await waits for the result and returns it. Within a function that runs on a lane it serves the
// lane meanwhile. A pooled function that waits puts its token down; it is known by ctx, or else the
// function that made the call counts as waiting.
//
// Two contexts matter. The context the call was started with governs the call: if it ends before
// the function began, the function never runs and Await returns the cause; once the function runs,
// its result decides, so that it never runs on behind its caller's back (see [Abandon] for the
// other choice). The context given here bounds this wait: if it ends while the call's own has not,
// Await returns its cause, and the call goes on and can be awaited again. A result that is there
// wins over any context. Where both are the same, [Call] says it in one step.
//
// A wait that would close a ring of lanes that wait for each other returns [ErrDeadlock], or lets
// another of them return it.
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

// Done returns a channel that is closed when the call is complete, for use in select. Until then
// the function that made the call counts as waiting, if it runs on the pool: the bridge cannot see
// it select. Prefer Await inside functions that run on a lane: waiting for a channel cannot serve
// the lane. Done of a zero Future is nil.
func (f *Future[T]) Done() <-chan struct{} {
	j := &f.job
	if j.work == nil {
		return nil
	}
	b := j.bridge
	b.mu.Lock()
	if j.fired() {
		defer b.unlock()
		if done := j.more().done; done != nil {
			return done
		}
		return closedChannel()
	}
	extra := j.need()
	if extra.done == nil {
		extra.done = make(chan struct{})
	}
	if !j.counted {
		b.noteAwaited(j)
	}
	b.unlock()
	j.watch()
	j.parkMaker()
	return extra.done
}

func closedChannel() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// await returns nil once j is complete, or why the wait ended before.
func (j *job) await(ctx context.Context) error {
	own, wait := j.Context.Done(), ctx.Done()
	if own == wait {
		own = nil
	}
	for {
		switch j.wait(ctx, wait, own) {
		case waitOver:
			return nil
		case waitEndless:
			return ErrDeadlock
		}
		var bound error
		if ctx.Err() != nil {
			bound = endOf(ctx) // so that a child of it, such as the call's own, has heard
		}
		switch why := j.ended(); {
		case why != nil: // if the function runs, it has been told; its result decides
			if j.tellEnded(why) {
				return nil
			}
			own, wait = nil, nil
		case bound != nil:
			return bound
		}
	}
}

// wait waits for j on behalf of ctx's function, until it is complete or one of the channels has
// closed.
func (j *job) wait(ctx context.Context, end, own <-chan struct{}) outcome {
	act := here(ctx)
	caller := positionOf(ctx).caller()
	j.noteWaiter(act, caller)
	if act != nil {
		return act.awaitThat(awaited{call: j}, j.bridge, &j.latch, end, own)
	}
	if j.bridge.waitPlain(caller, &j.latch, end, own) {
		return waitOver
	}
	return waitCut
}

// noteWaiter tells who waits for j: the function on a lane's thread, or the one the context was
// handed to. No mutex is held.
func (j *job) noteWaiter(act *activation, caller *job) {
	seen := act != nil || caller != nil && caller.running()
	if (seen || j.nested()) && j.waiting() {
		j.bridge.mu.Lock()
		if seen || !j.counted {
			j.bridge.noteAwaited(j)
		}
		j.bridge.unlock()
	}
	if !seen && j.nested() {
		j.parkMaker()
	}
}
