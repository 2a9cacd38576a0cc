package bridge

import (
	"container/list"
	"time"
)

// laneAccounts is what a bridge knows about its lanes.
type laneAccounts struct {
	alive    map[*Lane]struct{} // those with a thread of their own
	hosts    map[*Lane]struct{} // those on a thread that a function lends
	common   *Lane              // the default lane
	keyed    map[any]*Lane
	starved  *list.List  // those that wait for a thread, oldest first
	resting  *list.List  // keyed ones without work, by the time they came to rest
	yielding int         // how many end because others need their threads
	report   error       // about lanes that keep a thread without using it
	made     time.Time   // when the report was
	patience *time.Timer // runs while lanes starve
}

// lineOfLanes is a lane's place among the starved or the resting.
type lineOfLanes struct {
	list *list.List
	at   *list.Element
}

func (p *lineOfLanes) enter(line *list.List, l *Lane) { *p = lineOfLanes{line, line.PushBack(l)} }

func (p *lineOfLanes) leave() {
	if p.list != nil {
		p.list.Remove(p.at)
	}
	*p = lineOfLanes{}
}

// hungry reports whether a keyed lane should give up its thread.
func (a *laneAccounts) hungry() bool { return a.starved.Len() > a.yielding }

func (a *laneAccounts) remove(l *Lane) {
	delete(a.alive, l)
	if l.yields {
		a.yielding--
	}
}

func (b *Bridge) lanesFull() bool { return len(b.lanes.alive) >= b.opts.MaxLanes }

// start gives the lane a thread, or a place among those waiting for one.
func (l *Lane) start(root bool) {
	b := l.bridge
	switch {
	case l.state >= laneAlive:
	case !root || !b.lanesFull():
		b.admitLane(l)
	case l.state == laneNew:
		l.beginStarving()
		if oldest := b.lanes.resting.Front(); oldest != nil && b.lanes.hungry() {
			oldest.Value.(*Lane).yield()
		}
	}
}

// feed gives the lane a thread at once: a function waits for one of its calls.
func (l *Lane) feed() {
	if l.state == laneStarving {
		l.bridge.admitLane(l)
	}
}

func (b *Bridge) admitLane(l *Lane) {
	l.endStarving()
	l.state = laneAlive
	if l.refusal != nil {
		l.state = laneClosing
	}
	b.lanes.alive[l] = struct{}{}
	go l.main(nil)
}

// feedStarved gives a thread to lanes that wait for one.
func (b *Bridge) feedStarved() {
	for first := b.lanes.starved.Front(); first != nil && !b.lanesFull(); {
		b.admitLane(first.Value.(*Lane))
		first = b.lanes.starved.Front()
	}
}

// stopStarving takes the lane out of the line for a thread if all its calls were withdrawn.
func (l *Lane) stopStarving() {
	if l.state != laneStarving || !l.queue.empty() {
		return
	}
	l.endStarving()
	l.state = laneNew
	if l.refusal != nil || l.keyed {
		l.close()
	}
}

// yield ends a keyed lane so that another lane can have its thread.
func (l *Lane) yield() {
	l.yields = true
	l.bridge.lanes.yielding++
	l.close()
}

func (l *Lane) beginRest() {
	if l.passing() {
		l.line.enter(l.bridge.lanes.resting, l)
	}
}

func (l *Lane) leaveRest() {
	if l.line.list == l.bridge.lanes.resting {
		l.line.leave()
	}
}

func (l *Lane) forgetKey() {
	if keyed := l.bridge.lanes.keyed; l.keyed && keyed[l.key] == l {
		delete(keyed, l.key)
	}
}

// forgetUnused forgets a keyed lane whose first call was refused.
func (l *Lane) forgetUnused() {
	if l.state == laneNew && l.queue.empty() {
		l.forgetKey()
	}
}

// refusedThread reports whether a call that needs a thread for l is to be refused.
func (l *Lane) refusedThread() bool {
	b := l.bridge
	return b.opts.RefuseLanes && l.state == laneNew && b.lanesFull() && b.lanes.resting.Len() == 0
}
