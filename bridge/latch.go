package bridge

import "sync/atomic"

// latch is something that happens once and can be waited for: a call completes, a lane ends, the
// bridge is closed. Unlike a channel it costs nothing until somebody waits.
type latch struct {
	// waiters is a stack of those who wait, or the opened mark. Joining is lock-free;
	// all else happens under the mutex of the bridge that owns the latch.
	waiters  atomic.Pointer[waiter]
	gone     int32 // waiters in the stack that have left
	bearable int32 // how many of them are, before the stack is pruned
}

// opened stands in for the waiters of a latch that has fired. Nobody writes to it.
var opened waiter

// waiter is one goroutine's place at a latch. A wake-up is a hint: the woken goroutine looks again.
// So a late hint that finds the waiter in other use does no harm.
type waiter struct {
	wake  chan struct{} // capacity 1
	next  *waiter
	done  atomic.Bool // the latch fired and will not touch the waiter again
	left  bool        // nobody waits here any more; guarded by the mutex of the latch
	tally *tally      // set while several futures are awaited together
	slot  int

	// caller is the function that waits, if it has parked. It goes on when the latch fires, and must
	// have its token back by then. The mutex of caller's bridge guards it.
	caller *job
}

func newWaiter() *waiter { return &waiter{wake: make(chan struct{}, 1)} }

func hint(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

func (l *latch) fired() bool { return l.waiters.Load() == &opened }

// add enters w, and reports false if the latch has fired.
func (l *latch) add(w *waiter) bool {
	w.done.Store(false)
	for {
		first := l.waiters.Load()
		if first == &opened {
			return false
		}
		w.next = first
		if l.waiters.CompareAndSwap(first, w) {
			return true
		}
	}
}

// leave takes w out, and reports false if the latch has fired. The stack is not searched for w: it
// stays there, and must not be used again. The mutex is held.
func (l *latch) leave(w *waiter) bool {
	if l.fired() {
		return false
	}
	w.left, w.tally = true, nil
	l.gone++
	if l.gone > l.bearable {
		l.prune()
	}
	return true
}

// prune removes those who have left. Others may join at the head meanwhile, so the first stays if
// it cannot be removed at once.
func (l *latch) prune() {
	first := l.waiters.Load()
	for first != nil && first.left && l.waiters.CompareAndSwap(first, first.next) {
		first = first.next
	}
	l.gone, l.bearable = 0, 8
	for at := first; at != nil; at = at.next {
		for at.next != nil && at.next.left {
			at.next = at.next.next
		}
		l.bearable++
	}
}

// fire opens the latch. The last wake-up is left to the bridge's unlock, so that the woken
// goroutine does not run into the mutex.
func (b *Bridge) fire(l *latch) {
	for w := l.waiters.Swap(&opened); w != nil; {
		next := w.next
		if !w.left {
			b.letGo(w)
		}
		w = next
	}
}

// letGo ends w's wait. The function that waits has its token back before anybody else can take it.
func (b *Bridge) letGo(w *waiter) {
	wake := w.wake
	switch {
	case w.tally != nil:
		w.tally.add(w.slot)
		if w.tally.caller != nil && w.tally.caller.bridge == b {
			b.resume(&w.tally.parked)
		}
	case w.caller != nil && w.caller.bridge == b:
		b.resume(w)
	}
	w.done.Store(true) // from here on it may be in other use
	b.wakeLater(wake)
}
