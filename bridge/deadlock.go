package bridge

import (
	"cmp"
	"slices"
)

// Some waits can be proved to have no end: lanes that wait for each other's queues in a ring. A
// lane's thread can wait for one thing at a time, so the bridge knows all of it. One of the waits
// in the ring fails instead. Waits on anything the bridge does not know, like channels, are never
// judged; nor are those of functions outside lanes, which may have other goroutines at work.

// awaited is what an activation waits for: one call, any of several, or the end of a lane. The zero
// value is something that cannot be part of a ring. The mutex of the activation's bridge guards it.
type awaited struct {
	call    *job
	any     *tally
	end     *Lane
	aside   *job // asynchronous code, which no ring is proved through
	held    bool // by a goroutine that exits, and is to stay if another wait can be given up
	endless bool // proved to be in a ring
}

// calls returns the calls of which each could end the wait.
func (on awaited) calls() []*job {
	if on.call != nil {
		return []*job{on.call}
	}
	if on.any != nil {
		return on.any.open()
	}
	return nil
}

// judged reports whether a wait for on can be part of a ring, as far as that costs nothing to say.
func (on awaited) judged() bool {
	if on.call != nil {
		return on.call.home != nil
	}
	return on.any != nil || on.end != nil
}

// breakRing fails a's wait if it closes a ring: a call is withdrawn, or the wait for a lane's end
// given up. The lane's goroutine calls it whenever it goes to sleep, so whoever closes a ring sees
// all of it. No mutex is held.
func (a *activation) breakRing() {
	if !a.on.judged() { // only this goroutine writes it
		return
	}
	seen := ring{}
	if !seen.closes(a) {
		return
	}
	proof := ring{held: seen.bridges} // what was seen one by one must hold together
	proof.lock()
	if proof.closes(a) {
		proof.breakAt(a)
	}
	proof.unlock()
}

// ring is a set of lanes, searched from one of them: each waits for others in it.
type ring struct {
	held    []*Bridge // whose mutexes are held; nil: they are taken one at a time
	lanes   []*Lane
	bridges []*Bridge // of the lanes
}

// closes reports whether nothing but lanes that wait themselves could end the wait of a.
func (r *ring) closes(a *activation) bool {
	r.add(a.lane)
	for i := 0; i < len(r.lanes); i++ { // stuck adds more
		if !r.stuck(r.lanes[i]) {
			return false
		}
	}
	return true
}

func (r *ring) add(l *Lane) {
	if !slices.Contains(r.lanes, l) {
		r.lanes = append(r.lanes, l)
	}
}

// stuck reports whether l's thread sleeps until another lane goes on, and adds those lanes to r.
func (r *ring) stuck(l *Lane) bool {
	if !r.enter(l.bridge) {
		return false
	}
	defer r.leave(l.bridge)
	top := l.top()
	if top == nil || !l.blocked || top.inbox.head != nil || top.on.endless {
		return false // the last of these: its wait is given up, and it wakes
	}
	if last := top.on.end; last != nil {
		r.add(last) // of one that is over, nothing stands on its thread
		return true
	}
	calls := top.on.calls()
	for _, j := range calls {
		if j.home == nil || j.over() {
			return false
		}
		r.add(j.home) // where it waits for its turn, or is part of what sleeps there
	}
	return len(calls) > 0
}

// breakAt lets a lane of the ring go on: a call that has not begun is withdrawn. If all have begun,
// they wait for each other's results, and a wait is given up: that of a, if its thread can go on.
func (r *ring) breakAt(a *activation) {
	for _, l := range r.lanes {
		for _, j := range l.top().on.calls() {
			if j.bridge.withdraw(j, ErrDeadlock) {
				return
			}
		}
	}
	for _, l := range r.lanes { // a's is the first
		if top := l.top(); !top.on.held {
			a = top
			break
		}
	}
	a.on.endless = true
	hint(a.lane.wake)
}

func (r *ring) enter(b *Bridge) bool {
	if r.held != nil {
		return slices.Contains(r.held, b)
	}
	b.mu.Lock()
	if !slices.Contains(r.bridges, b) {
		r.bridges = append(r.bridges, b)
	}
	return true
}

func (r *ring) leave(b *Bridge) {
	if r.held == nil {
		b.unlock()
	}
}

// lock takes all mutexes, in the one order.
func (r *ring) lock() {
	slices.SortFunc(r.held, func(a, b *Bridge) int { return cmp.Compare(a.id, b.id) })
	for _, b := range r.held {
		b.mu.Lock()
	}
}

// unlock gives all mutexes back before it does what was left to do.
func (r *ring) unlock() {
	out := make([]outbox, len(r.held))
	for i, b := range r.held {
		out[i], b.out = b.out, outbox{}
		b.mu.Unlock()
	}
	for i, b := range r.held {
		out[i].empty(b)
	}
}
