package bridge

// Some waits can be proved to have no end: lanes that wait for each other's queues in a ring. The call that would close
// the ring fails instead. Waits on anything the bridge does not know, like channels, are never judged.

// awaits notes that act waits for j. If that closes a ring, j is withdrawn and awaits returns false.
func (a *activation) awaits(j *job) bool {
	b := a.lane.bridge
	b.mu.Lock()
	defer b.unlock()
	if a.closesRing(j) {
		b.withdraw(j, ErrDeadlock)
		return false
	}
	a.on = j
	return true
}

func (a *activation) awaitsNothing() {
	b := a.lane.bridge
	b.mu.Lock()
	a.on = nil
	b.unlock()
}

// closesRing follows the chain of lanes: the call waits in a queue behind a job, which waits for a call, and so on.
// It is no ring if some lane in it is not waiting, or serves the call it is waited for while it waits.
func (a *activation) closesRing(j *job) bool {
	b := a.lane.bridge
	for range len(b.lanes) + 1 {
		if j.bridge != b || j.state != stateWaiting || j.home == nil {
			return false
		}
		if j.home == a.lane {
			return j.turn.list != &a.inbox
		}
		top := j.home.top()
		if top == nil || top.on == nil || j.turn.list == &top.inbox {
			return false
		}
		j = top.on
	}
	return false
}
