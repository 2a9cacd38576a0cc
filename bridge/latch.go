package bridge

import (
	"context"
	"sync/atomic"
)

// latch is something that happens once and can be waited for: a call completes, a lane ends, the bridge is closed.
// Unlike a channel it costs nothing until somebody waits.
type latch struct {
	// waiters is a stack of those who wait, or the opened mark. Joining is lock-free;
	// all else happens under the mutex of the bridge that owns the latch.
	waiters atomic.Pointer[waiter]
}

// opened stands in for the waiters of a latch that has fired. Nobody writes to it.
var opened waiter

// waiter is one goroutine's place at a latch. A wake-up is a hint: the woken goroutine looks again.
// So a late hint that finds the waiter in other use does no harm.
type waiter struct {
	wake chan struct{} // capacity 1
	next *waiter
	done atomic.Bool // the latch fired and will not touch the waiter again
	heap *tally      // set while several futures are awaited together
	slot int

	// caller is the function that waits, if it has parked. It goes on when the latch fires, and must have its token
	// back by then. The mutex of caller's bridge guards it.
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

// remove takes w out, if the latch has not fired. Others may join at the head meanwhile.
func (l *latch) remove(w *waiter) {
	first := l.waiters.Load()
	if first == &opened {
		return
	}
	for first == w {
		if l.waiters.CompareAndSwap(w, w.next) {
			return
		}
		first = l.waiters.Load()
	}
	for at := first; at != nil; at = at.next {
		if at.next == w {
			at.next = w.next
			return
		}
	}
}

// fire opens the latch. The last wake-up is left to the bridge's unlock, so that the woken goroutine
// does not run into the mutex.
func (b *Bridge) fire(l *latch) {
	for w := l.waiters.Swap(&opened); w != nil; {
		next, wake := w.next, w.wake
		if w.heap != nil {
			w.heap.add(w.slot)
			if w.heap.caller != nil && w.heap.caller.bridge == b {
				b.resume(&w.heap.parked)
			}
		} else if w.caller != nil && w.caller.bridge == b {
			b.resume(w)
		}
		w.done.Store(true) // from here on it may be in other use
		b.wakeLater(wake)
		w = next
	}
}

// wait blocks until l fires and returns true, or until one of the channels closes and returns false.
// On a lane's thread it serves the lane meanwhile.
func (b *Bridge) wait(ctx context.Context, l *latch, end, end2 <-chan struct{}) bool {
	if act := here(ctx); act != nil {
		return act.lane.await(act, b, l, end, end2)
	}
	return b.waitPlain(placeOf(ctx).job, l, end, end2)
}

// waitPlain is wait on a thread that no lane owns, or whose lane is lost.
func (b *Bridge) waitPlain(caller *job, l *latch, end, end2 <-chan struct{}) bool {
	w := b.waiters.Get().(*waiter)
	if caller != nil {
		w.park(caller)
	}
	fired := !l.add(w) || w.sleep(end, end2)
	if !fired {
		b.mu.Lock()
		l.remove(w)
		b.unlock()
		fired = l.fired()
	}
	if caller != nil {
		w.unpark(caller)
	}
	w.next = nil
	b.waiters.Put(w)
	return fired
}

// park puts the caller's token on offer while w waits.
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

func (w *waiter) sleep(end, end2 <-chan struct{}) bool { return sleep(w.wake, w.done.Load, end, end2) }

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
