package bridge

import "context"

// wait blocks until l fires and returns true, or until end closes and returns false. l is one of
// b's. On a lane's thread it serves the lane meanwhile.
func (b *Bridge) wait(ctx context.Context, l *latch, end <-chan struct{}) bool {
	if act := here(ctx); act != nil {
		return act.await(b, l, end, nil)
	}
	return b.waitPlain(positionOf(ctx).caller(), l, end, nil)
}

// waitPlain is wait on a thread that no lane owns, or whose lane is lost.
func (b *Bridge) waitPlain(caller *job, l *latch, end, end2 <-chan struct{}) bool {
	w := b.waiters.Get().(*waiter)
	fired := !b.join(l, w, caller) || w.sleep(end, end2)
	left := false
	if !fired {
		b.mu.Lock()
		left = l.leave(w)
		b.unlock()
	}
	if caller != nil {
		w.unpark(caller)
	}
	if !left {
		w.next = nil
		b.waiters.Put(w)
	}
	return !left
}

// join enters w at l and makes the caller count as waiting. It reports false if l has fired. Then a
// caller of the same bridge has kept its token: it would have gone to somebody else, and the caller
// goes on at once.
func (b *Bridge) join(l *latch, w *waiter, caller *job) bool {
	switch {
	case caller == nil:
		return l.add(w)
	case caller.bridge != b:
		w.park(caller)
		return l.add(w)
	}
	b.mu.Lock()
	defer b.unlock()
	if !l.add(w) {
		return false
	}
	if b.park(caller) {
		w.caller = caller
	}
	return true
}

// park makes a caller of another bridge than the latch's count as waiting while w does.
func (w *waiter) park(caller *job) {
	b := caller.bridge
	b.mu.Lock()
	if b.park(caller) {
		w.caller = caller
	}
	b.unlock()
}

// unpark undoes park, unless the latch did.
func (w *waiter) unpark(caller *job) {
	b := caller.bridge
	b.mu.Lock()
	b.resume(w)
	b.unlock()
}

func (b *Bridge) resume(w *waiter) {
	if w.caller != nil {
		b.unpark(w.caller)
		w.caller = nil
	}
}

func (w *waiter) sleep(end, end2 <-chan struct{}) bool {
	return sleep(w.wake, w.done.Load, end, end2)
}

// sleep blocks until ready, looking again at each hint, or until a channel closes.
func sleep(wake <-chan struct{}, ready func() bool, end, end2 <-chan struct{}) bool {
	for !ready() {
		if end == nil && end2 == nil {
			<-wake
			continue
		}
		select {
		case <-wake:
		case <-end:
			return ready()
		case <-end2:
			return ready()
		}
	}
	return true
}
