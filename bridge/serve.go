package bridge

// await is Bridge.wait on the lane's own thread: it serves the jobs below a until l, a latch of
// b's, fires or an end closes.
func (a *activation) await(b *Bridge, l *latch, end, end2 <-chan struct{}) bool {
	return a.awaitThat(awaited{}, b, l, end, end2) == waitOver
}

// outcome is how a wait on a lane's thread has ended.
type outcome uint8

const (
	waitOver    outcome = iota
	waitCut             // a channel has closed
	waitEndless         // proved: see breakRing
)

// awaitThat is await for what can be part of a ring of lanes.
func (a *activation) awaitThat(
	on awaited, b *Bridge, l *latch, end, end2 <-chan struct{},
) (how outcome) {
	w := a.wait
	if !l.add(w) {
		return waitOver
	}
	how = waitCut // unless it returns: what is served may exit
	defer func() {
		if how != waitOver && !a.leave(b, l) {
			how = waitOver
		}
	}()
	return a.serve(on, w.done.Load, end, end2)
}

// leave ends a's wait at l, a latch of b's. It reports false if the latch has fired.
func (a *activation) leave(b *Bridge, l *latch) bool {
	b.mu.Lock()
	defer b.unlock()
	if !l.leave(a.wait) {
		return false
	}
	a.wait = &waiter{wake: a.lane.wake}
	return true
}

// serve runs the jobs of a's inbox until ready, or until a channel closes or the wait has proved
// endless.
func (a *activation) serve(on awaited, ready func() bool, end, end2 <-chan struct{}) outcome {
	b := a.lane.bridge
	b.mu.Lock()
	caller := a.job
	b.park(caller)
	a.on = on
	over, ended := ready(), false
	for !over && !ended && !a.on.endless {
		if j := a.inbox.head; j != nil {
			a.lane.perform(j)
		} else {
			ended = a.doze(end, end2)
		}
		over = ready()
	}
	how := waitCut
	switch {
	case over:
		how = waitOver
	case a.on.endless:
		how = waitEndless
	}
	a.on = awaited{}
	b.unpark(caller)
	b.unlock()
	return how
}

// doze sleeps until there may be something to do. It reports whether one of the channels has
// closed.
func (a *activation) doze(end, end2 <-chan struct{}) (ended bool) {
	l := a.lane
	b := l.bridge
	l.blocked = true
	b.unlock()
	a.breakRing()
	select {
	case <-l.wake:
	case <-end:
		ended = true
	case <-end2:
		ended = true
	}
	b.mu.Lock()
	l.blocked = false
	return ended
}
