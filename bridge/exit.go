package bridge

import "context"

// A job that exits by runtime.Goexit takes along all that stands on its lane's thread, also a
// function that waits there for one that runs on. What returns no sooner than that one holds the
// goroutine until then: for what runs may use what the frames above own.

// awaitWhole is Await with the context that the call was made with: unless the wait proves endless,
// it is over no sooner than the call is.
func (f *Future[T]) awaitWhole(ctx context.Context) (T, error) {
	returned := false
	defer f.job.holdUnless(&returned, ctx)
	value, err := f.Await(ctx)
	returned = true
	return value, err
}

// holdUnless holds a goroutine that exits out of a wait for j, until j is over.
func (j *job) holdUnless(returned *bool, ctx context.Context) {
	if *returned || j.fired() {
		return
	}
	j.watch() // since nobody looks at the context's end any more
	if act := here(ctx); act != nil {
		act.hold(j)
		return
	}
	j.bridge.waitPlain(nil, &j.latch, nil, nil)
}

// hold waits for j on a thread that can serve no more. Where all in a ring of lanes are held so, it
// gives up: they would wait for each other.
func (a *activation) hold(j *job) {
	w := &waiter{wake: a.lane.wake}
	if !j.latch.add(w) {
		return
	}
	b := a.lane.bridge
	b.mu.Lock()
	a.on = awaited{call: j, held: true}
	for !w.done.Load() && !a.on.endless {
		a.doze(nil, nil)
	}
	a.on = awaited{}
	b.unlock()
	j.bridge.mu.Lock()
	j.latch.leave(w)
	j.bridge.unlock()
}
