package bridge

// The pool runs a job on a goroutine of the engine while the job holds a token. The engine is asked for a goroutine
// with the same function value every time, and that goroutine takes the next granted job. So starting a call
// allocates nothing, and a worker that finds more work goes on without being started anew.

// dispatch grants free tokens to the jobs that wait longest.
func (b *Bridge) dispatch() {
	for b.free > 0 && b.pool.jobs.head != nil {
		j := b.pool.jobs.head
		b.leaveLine(j)
		b.free--
		b.grant(j)
	}
}

func (b *Bridge) grant(j *job) {
	j.state = stateGranted
	b.granted.push(j)
	b.out.spawns++
}

// runGranted is what every worker goroutine runs. It finds no job if one was withdrawn after it got its token.
func (b *Bridge) runGranted() {
	var current *job
	defer func() {
		if current != nil { // runtime.Goexit: tell the caller, and let others have the token
			b.mu.Lock()
			b.finishPooled(current, ErrGoexit)
			b.unlock()
		}
	}()
	b.mu.Lock()
	for {
		j := b.granted.pop()
		if j == nil {
			b.unlock()
			return
		}
		b.begin(j)
		b.unlock()
		current = j
		err := b.runPooled(j)
		current = nil
		b.mu.Lock()
		b.finishPooled(j, err)
		if b.out.spawns == 0 {
			b.unlock()
			return
		}
		b.out.spawns-- // this worker goes on instead of a new one
	}
}

func (b *Bridge) runPooled(j *job) error {
	if j.dedicated {
		return j.runOnOwnThread()
	}
	return j.run()
}

func (b *Bridge) finishPooled(j *job, err error) {
	b.end(j, err)
	b.freeToken(j)
	b.rehome(j)
}

// freeToken passes on the token j used: to the function that runs on it too, back to the caller it was
// borrowed from, or to whoever is next.
func (b *Bridge) freeToken(j *job) {
	lender := j.lender
	j.lender = nil
	if n := j.nest; n != nil && n.borrower != nil {
		heir := n.borrower
		n.borrower = nil
		heir.lender = lender
		if lender != nil {
			lender.nest.borrower = heir
			b.reclaim(lender)
		}
		return
	}
	if lender != nil {
		lender.nest.borrower = nil
		b.lend(lender)
		return
	}
	b.free++
	b.dispatch()
}

// enqueuePooled puts an accepted job in the pool's queue.
func (b *Bridge) enqueuePooled(j *job) {
	b.pool.jobs.push(j)
	b.dispatch()
	if j.state == stateWaiting {
		b.adopt(j)
	}
}

// holder returns the function that j's work descends from and that has a token.
func (b *Bridge) holder(j *job) *job {
	return above(j, func(k *job) bool { return k.liveIn(b) && k.home == nil && !k.isLeave })
}

// above is ancestor without j itself.
func above(j *job, match func(*job) bool) *job {
	if found := j.by.ancestor(match); found != nil {
		return found
	}
	return j.up.ancestor(match)
}
