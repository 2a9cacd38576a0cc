package bridge

import (
	"context"
	"sync/atomic"
)

// latch is something that happens once and can be waited for: a call completes, a lane ends, the bridge is closed.
// Unlike a channel it costs nothing until somebody waits. All but fired is guarded by the owning bridge's mutex.
type latch struct {
	fired   atomic.Bool
	waiters *waiter
	done    chan struct{} // made for those who want to select
}

// waiter is one goroutine's place at a latch. A wake-up is a hint: the woken goroutine looks again.
// So a late hint that finds the waiter in other use does no harm.
type waiter struct {
	wake chan struct{} // capacity 1
	next *waiter
	heap *tally // set while several futures are awaited together
	slot int
}

func newWaiter() *waiter { return &waiter{wake: make(chan struct{}, 1)} }

func hint(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

func (l *latch) add(w *waiter) {
	w.next = l.waiters
	l.waiters = w
}

func (l *latch) remove(w *waiter) {
	for at := &l.waiters; *at != nil; at = &(*at).next {
		if *at == w {
			*at = w.next
			w.next = nil
			return
		}
	}
}

// fire opens the latch. The last wake-up is left to the bridge's unlock, so that the woken goroutine
// does not run into the mutex.
func (b *Bridge) fire(l *latch) {
	l.fired.Store(true)
	if l.done != nil {
		close(l.done)
	}
	for w := l.waiters; w != nil; {
		next := w.next
		w.next = nil
		if w.heap != nil {
			w.heap.add(w.slot)
		}
		b.wakeLater(w.wake)
		w = next
	}
	l.waiters = nil
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
	b.mu.Lock()
	if l.fired.Load() {
		b.mu.Unlock()
		b.waiters.Put(w)
		return true
	}
	l.add(w)
	parked := b.park(caller)
	b.unlock()
	fired := sleep(w.wake, l.fired.Load, end, end2)
	if parked || !fired {
		b.mu.Lock()
		l.remove(w)
		if parked {
			b.unpark(caller)
		}
		b.unlock()
	}
	b.waiters.Put(w)
	return fired
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
