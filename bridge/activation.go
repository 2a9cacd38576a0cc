package bridge

import "github.com/parleygo/parley"

// activation is one job at work on a lane's thread. Calls made below the job and aimed at the same lane gather in its
// inbox; while the job waits inside the bridge, it serves them. Others wait until the job is over: one of them,
// stacked on top, could hold back a job that is ready to go on.
type activation struct {
	lane  *Lane
	job   *job
	inbox jobList
	wait  waiter // the one wait the job can be in, since it has one thread
	on    *job   // the call it awaits; nil: none
}

// top returns the innermost activation. Only the lane's own goroutine may call it without the mutex.
func (l *Lane) top() *activation {
	if len(l.stack) == 0 {
		return nil
	}
	return l.stack[len(l.stack)-1]
}

func (a *activation) covers(j *job) bool { return j.home == a.lane && j.act == a }

// perform runs j on the lane's thread, on top of what runs there. The mutex is held at entry and return.
func (l *Lane) perform(j *job) {
	b := l.bridge
	if l.depth >= b.opts.MaxDepth {
		b.withdraw(j, ErrTooDeep)
		return
	}
	b.leaveLine(j)
	l.push(j)
	b.begin(j)
	b.unlock()
	returned := false
	defer func() {
		if returned {
			return
		}
		b.mu.Lock() // runtime.Goexit takes everything on this thread with it
		l.lose(ErrLaneLost)
		l.pop(j, parley.ErrGoexit)
		b.unlock()
	}()
	err := j.run()
	b.mu.Lock()
	returned = true
	l.checkThread()
	l.pop(j, err)
}

// inline runs j at once as part of act, for a call made on the lane's own thread.
func (l *Lane) inline(act *activation, j *job) {
	b := l.bridge
	b.mu.Lock()
	if err := l.refuseInline(); err != nil {
		b.complete(j, err)
		b.unlock()
		return
	}
	b.accept(j)
	b.begin(j)
	j.act = act
	l.depth++
	b.unlock()
	err := parley.ErrGoexit
	defer func() {
		b.mu.Lock()
		l.depth--
		j.act = nil
		b.end(j, err)
		b.unlock()
	}()
	err = j.run()
}

func (l *Lane) refuseInline() error {
	if l.state == laneOver {
		return l.refusal
	}
	if l.depth >= l.bridge.opts.MaxDepth {
		return ErrTooDeep
	}
	return nil
}

func (l *Lane) push(j *job) {
	var act *activation
	if n := len(l.spare); n > 0 {
		act = l.spare[n-1]
		l.spare = l.spare[:n-1]
	} else {
		act = &activation{lane: l, wait: waiter{wake: l.wake}}
	}
	act.job = j
	j.act = act
	l.depth++
	l.stack = append(l.stack, act)
}

// pop ends the innermost activation. What its inbox still holds goes outward: to the nearest enclosing job that the
// finished one descends from, or to the lane's queue, by order of acceptance.
func (l *Lane) pop(j *job, err error) {
	act := j.act
	l.depth--
	l.stack[len(l.stack)-1] = nil
	l.stack = l.stack[:len(l.stack)-1]
	j.act, act.job = nil, nil
	l.bridge.end(j, err)
	if act.inbox.head != nil {
		line := &l.queue.jobs
		if outer := l.enclosing(j); outer != nil {
			line = &outer.inbox
		}
		for k := act.inbox.pop(); k != nil; k = act.inbox.pop() {
			line.merge(k)
		}
	}
	l.spare = append(l.spare, act)
}

// enclosing returns the innermost activation on l that j descends from.
func (l *Lane) enclosing(j *job) *activation {
	k := above(j, func(k *job) bool { return k.home == l && k.act != nil })
	if k == nil {
		return nil
	}
	return k.act
}

// checkThread notices a job that gave the lane's thread away in spite of spareLocks. A changed id is the only cheap
// sign, so this is best effort.
func (l *Lane) checkThread() {
	if id, _ := threadID(); id != l.thread {
		l.lose(errAffinityLost)
	}
}

// enqueueLane puts j where its turn on l will come: before the job it descends from, or in l's queue.
func (b *Bridge) enqueueLane(l *Lane, j *job) (*visitor, error) {
	if l.state == laneOver {
		return nil, l.refusal
	}
	if act := l.enclosing(j); act != nil {
		b.accept(j)
		act.inbox.push(j)
		l.rouse()
		return nil, nil
	}
	root := b.isRoot(j)
	if l.refusal != nil {
		return nil, l.refusal
	}
	if root && b.phase != phaseOpen {
		return nil, ErrClosed
	}
	v, err := b.admit(&l.queue, j, root)
	if err != nil {
		return nil, err
	}
	if v == nil {
		l.queue.jobs.push(j)
	}
	l.start(root)
	l.rouse()
	return v, nil
}

// isRoot reports whether j was made outside every function that runs on b.
func (b *Bridge) isRoot(j *job) bool {
	return above(j, func(k *job) bool { return k.liveIn(b) }) == nil
}

// await is Bridge.wait on the lane's own thread: it serves the jobs below act until latch fires or an end closes.
func (l *Lane) await(act *activation, of *Bridge, latch *latch, end, end2 <-chan struct{}) bool {
	if !latch.add(&act.wait) {
		return true
	}
	l.bridge.mu.Lock()
	fired := l.serve(act, act.wait.done.Load, end, end2)
	l.bridge.unlock()
	if !fired {
		of.mu.Lock()
		latch.remove(&act.wait)
		of.mu.Unlock()
	}
	return fired || latch.fired()
}

// serve runs the jobs of act's inbox until ready (true) or until a channel closes (false). The mutex of the
// lane's bridge is held at entry and return.
func (l *Lane) serve(act *activation, ready func() bool, end, end2 <-chan struct{}) bool {
	b := l.bridge
	caller := act.job
	b.park(caller)
	for {
		if ready() {
			b.unpark(caller)
			return true
		}
		if j := act.inbox.head; j != nil {
			l.perform(j)
			continue
		}
		l.blocked = true
		b.unlock()
		ended := false
		select {
		case <-l.wake:
		case <-end:
			ended = true
		case <-end2:
			ended = true
		}
		b.mu.Lock()
		l.blocked = false
		if ended {
			b.unpark(caller)
			return ready()
		}
	}
}
