package bridge

import (
	"context"
	"errors"
	"iter"
	"sync"
)

// All awaits every future and returns the values in the order given. The error joins the failures, in the same order;
// it is nil if there was none.
func All[T any](ctx context.Context, futures ...*Future[T]) ([]T, error) {
	values := make([]T, len(futures))
	var failures []error
	for i, f := range futures {
		value, err := f.Await(ctx)
		if err != nil {
			failures = append(failures, err)
		}
		values[i] = value
	}
	return values, errors.Join(failures...)
}

// FailFast awaits the futures and returns their values in the order given, or nil and the first failure as soon as
// it happens. The other calls go on.
func FailFast[T any](ctx context.Context, futures ...*Future[T]) ([]T, error) {
	values := make([]T, len(futures))
	for i := range completed(ctx, futures) {
		value, err := futures[i].Await(ctx)
		if err != nil {
			return nil, err
		}
		values[i] = value
	}
	return values, nil
}

// AsCompleted yields value and error of each future as it completes, each future once. When ctx ends, what is not
// complete is yielded as Await has it.
func AsCompleted[T any](ctx context.Context, futures ...*Future[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for i := range completed(ctx, futures) {
			if !yield(futures[i].Await(ctx)) {
				return
			}
		}
	}
}

// completed yields the index of each future as it completes; once ctx has ended, those of the rest in order.
func completed[T any](ctx context.Context, futures []*Future[T]) iter.Seq[int] {
	mustContext(ctx)
	return func(yield func(int) bool) {
		t := newTally(ctx, len(futures))
		defer t.leaveAll()
		for i, f := range futures {
			t.join(i, &f.job)
		}
		seen := make([]bool, len(futures))
		for range futures {
			i, ok := t.next(ctx)
			if !ok {
				break
			}
			seen[i] = true
			if !yield(i) {
				return
			}
		}
		for i := range futures {
			if !seen[i] && !yield(i) {
				return
			}
		}
	}
}

// tally is one goroutine's wait for several latches. Its mutex is the innermost of all.
type tally struct {
	act     *activation // on a lane: what serves meanwhile
	wake    chan struct{}
	jobs    []*job
	waiters []waiter
	caller  *job   // who waits, if it runs on a bridge
	parked  waiter // holds caller while it does wait

	mu    sync.Mutex
	ready []int
}

func newTally(ctx context.Context, n int) *tally {
	t := &tally{act: here(ctx), caller: placeOf(ctx).job, jobs: make([]*job, n), waiters: make([]waiter, n)}
	if t.act != nil {
		t.wake = t.act.lane.wake
	} else {
		t.wake = make(chan struct{}, 1)
	}
	return t
}

func (t *tally) add(slot int) {
	t.mu.Lock()
	t.ready = append(t.ready, slot)
	t.mu.Unlock()
}

// join enters j at slot. A future that no call made counts as complete: Await tells why.
func (t *tally) join(slot int, j *job) {
	if j.work == nil {
		t.add(slot)
		return
	}
	b := j.bridge
	b.mu.Lock()
	defer b.unlock()
	w := &t.waiters[slot]
	w.wake, w.heap, w.slot = t.wake, t, slot
	if !j.latch.add(w) {
		t.add(slot)
		return
	}
	t.jobs[slot] = j
	if j.nested() {
		b.noteAwaited(j, false)
	}
	b.watch(j)
}

// leaveAll withdraws from latches that have not fired, so that their calls count as unobserved again.
func (t *tally) leaveAll() {
	for slot, j := range t.jobs {
		if j != nil && !j.fired() {
			j.bridge.mu.Lock()
			j.latch.remove(&t.waiters[slot])
			j.bridge.unlock()
		}
	}
}

func (t *tally) any() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.ready) > 0
}

// next waits for the next latch, serving the lane meanwhile, and returns false when ctx has ended.
func (t *tally) next(ctx context.Context) (slot int, ok bool) {
	if t.act != nil {
		l := t.act.lane
		l.bridge.mu.Lock()
		ok = l.serve(t.act, t.any, ctx.Done(), nil)
		l.bridge.unlock()
	} else {
		ok = t.sleepParked(ctx)
	}
	if !ok {
		return 0, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	slot = t.ready[0]
	t.ready = t.ready[1:]
	return slot, true
}

// sleepParked is sleep with the caller's token on offer meanwhile.
func (t *tally) sleepParked(ctx context.Context) bool {
	if t.any() {
		return true
	}
	if t.caller == nil {
		return sleep(t.wake, t.any, ctx.Done(), nil)
	}
	t.parked.park(t.caller)
	ok := sleep(t.wake, t.any, ctx.Done(), nil)
	t.parked.unpark(t.caller)
	return ok
}
