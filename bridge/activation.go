package bridge

import "github.com/parleygo/parley"

// activation is one job at work on a lane's thread. Calls made below the job and aimed at the same
// lane gather in its inbox; while the job waits inside the bridge, it serves them. Others wait
// until the job is over: one of them, stacked on top, could hold back a job that is ready to go on.
type activation struct {
	lane  *Lane
	job   *job
	inbox jobList
	wait  *waiter // the one wait the job can be in, since it has one thread
	on    awaited // what it waits for
}

// top returns the innermost activation. Only the lane's own goroutine may call it without the
// mutex.
func (l *Lane) top() *activation {
	if len(l.stack) == 0 {
		return nil
	}
	return l.stack[len(l.stack)-1]
}

func (a *activation) covers(j *job) bool { return j.home == a.lane && j.act == a }

// perform runs j on the lane's thread, on top of what runs there. The mutex is held at entry and
// return.
func (l *Lane) perform(j *job) {
	b := l.bridge
	if l.depth >= b.opts.MaxDepth {
		b.withdraw(j, ErrTooDeep)
		return
	}
	b.leaveLine(j)
	j.state.Store(stateGranted)
	if !b.beginUnlessEnded(j) {
		return
	}
	l.push(j)
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
		act = &activation{lane: l, wait: &waiter{wake: l.wake}}
	}
	act.job = j
	j.act = act
	l.depth++
	l.stack = append(l.stack, act)
}

// pop ends the innermost activation. What its inbox still holds goes outward: to the nearest
// enclosing job that the finished one descends from, or to the lane's queue, by order of
// acceptance.
func (l *Lane) pop(j *job, err error) {
	act := j.act
	l.depth--
	l.stack[len(l.stack)-1] = nil
	l.stack = l.stack[:len(l.stack)-1]
	j.act, act.job, act.on = nil, nil, awaited{}
	l.bridge.end(j, err)
	if act.inbox.head != nil {
		line := &l.queue.jobs
		if outer := l.enclosing(j); outer != nil {
			line = &outer.inbox
		}
		line.merge(&act.inbox)
	}
	l.spare = append(l.spare, act)
}

// checkThread notices a job that gave the lane's thread away in spite of spareLocks. A changed id
// is the only cheap sign, so this is best effort.
func (l *Lane) checkThread() {
	if id, _ := threadID(); id != l.thread {
		l.lose(errAffinityLost)
	}
}
