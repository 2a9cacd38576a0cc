package bridge

import (
	"context"
	"sync"
)

// tally is one goroutine's wait for several calls. Its mutex is the innermost of all.
type tally struct {
	act     *activation // on a lane: what serves meanwhile
	wake    chan struct{}
	jobs    []*job // nil: complete when the tally began, or already taken
	waiters []waiter
	caller  *job   // who waits, if it runs on a bridge
	parked  waiter // holds caller while it does wait

	mu    sync.Mutex
	ready []int
}

func newTally(ctx context.Context, n int) *tally {
	t := &tally{
		act: here(ctx), caller: positionOf(ctx).caller(),
		jobs: make([]*job, n), waiters: make([]waiter, n),
	}
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
	w := &t.waiters[slot]
	w.wake, w.tally, w.slot = t.wake, t, slot
	if !j.latch.add(w) {
		t.add(slot)
		return
	}
	t.jobs[slot] = j
	j.noteWaiter(t.act, t.caller)
	j.watch()
}

// leaveAll withdraws from latches that have not fired, so that their calls count as unobserved
// again.
func (t *tally) leaveAll() {
	for slot, j := range t.jobs {
		if j != nil && !j.fired() {
			j.bridge.mu.Lock()
			j.latch.leave(&t.waiters[slot])
			j.bridge.unlock()
		}
	}
}

// open returns the calls that are still waited for. Only the lane's own goroutine may call it
// without the mutex of its bridge.
func (t *tally) open() []*job {
	var open []*job
	for _, j := range t.jobs {
		if j != nil {
			open = append(open, j)
		}
	}
	return open
}

func (t *tally) any() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.ready) > 0
}

// next waits for the next call to complete, serving the lane meanwhile, and returns false when ctx
// has ended.
func (t *tally) next(ctx context.Context) (slot int, ok bool) {
	if act := t.top(); act != nil {
		ok = act.serve(awaited{any: t}, t.any, ctx.Done(), nil) == waitOver
	} else {
		ok = t.sleep(ctx)
	}
	if !ok {
		return 0, false
	}
	t.mu.Lock()
	slot = t.ready[0]
	t.ready = t.ready[1:]
	t.mu.Unlock()
	t.jobs[slot] = nil
	return slot, true
}

// top returns the activation that waits: of an iterator that goes on in another step of its walk,
// not the one in which the tally began. At a lane's end there is none.
func (t *tally) top() *activation {
	if t.act == nil {
		return nil
	}
	return t.act.lane.top()
}

// sleep waits on a thread that no lane owns. The caller counts as waiting meanwhile.
func (t *tally) sleep(ctx context.Context) bool {
	if t.any() {
		return true
	}
	if t.caller == nil {
		return sleep(t.wake, t.any, ctx.Done(), nil)
	}
	t.park()
	ok := sleep(t.wake, t.any, ctx.Done(), nil)
	t.parked.unpark(t.caller)
	return ok
}

// park makes the caller count as waiting, unless a call has completed: then it goes on at once, and
// would find its token with somebody else.
func (t *tally) park() {
	b := t.caller.bridge
	b.mu.Lock()
	if caller := t.caller.now(); !t.any() && b.park(caller) {
		t.parked.caller = caller
	}
	b.unlock()
}
