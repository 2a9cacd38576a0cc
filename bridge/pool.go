package bridge

import "github.com/parleygo/parley"

import "runtime"

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
	b.callWorker()
}

// callWorker asks for one more worker unless one is on its way. Whoever takes a job calls the next worker for the
// rest, so a burst of short calls does not wake a goroutine each.
func (b *Bridge) callWorker() {
	if !b.coming && b.granted.head != nil {
		b.coming = true
		b.out.spawn = true
	}
}

// take gives the calling worker a granted job. There is none if it was withdrawn after it got its token.
func (b *Bridge) take() *job {
	j := b.granted.pop()
	if j != nil {
		b.begin(j)
		b.callWorker()
	}
	return j
}

// runGranted is what every worker goroutine runs.
func (b *Bridge) runGranted() {
	var current *job
	defer func() {
		if current != nil { // runtime.Goexit: tell the caller, and let others have the token
			b.mu.Lock()
			b.finishPooled(current, parley.ErrGoexit)
			b.unlock()
		}
	}()
	b.mu.Lock()
	b.coming = false
	for {
		current = b.take()
		if current == nil && !b.linger() {
			b.unlock()
			return
		}
		if current == nil {
			continue
		}
		b.unlock()
		err := b.runPooled(current)
		b.mu.Lock()
		b.finishPooled(current, err)
		current = nil
		if b.out.spawn { // this worker goes on instead of a new one
			b.out.spawn, b.coming = false, false
		}
	}
}

// linger lets others run once before a worker gives up, which spares a caller that comes straight back a wake-up.
// It reports whether there is a job now.
func (b *Bridge) linger() bool {
	if b.coming {
		return false
	}
	b.coming = true
	b.unlock()
	runtime.Gosched()
	b.mu.Lock()
	b.coming = false
	return b.granted.head != nil
}

func (b *Bridge) runPooled(j *job) error {
	if j.dedicated {
		return j.runOnOwnThread()
	}
	return j.run()
}

func (b *Bridge) finishPooled(j *job, err error) {
	lender, free := b.unlinkToken(j)
	b.end(j, err) // those who awaited j go on: they must find their token back
	b.passToken(lender, free)
}

// unlinkToken takes the token from j. If a function below j uses it too, that one has it now; if j borrowed it, the
// lender has it back and is returned; otherwise it is free.
func (b *Bridge) unlinkToken(j *job) (lender *job, free bool) {
	if lender = j.more().lender; lender != nil {
		j.extra.lender = nil
		lender.extra.nest.borrower = nil
	}
	n := j.more().nest
	if n == nil || n.borrower == nil {
		return lender, lender == nil
	}
	n.borrower.extra.lender = lender
	if lender != nil {
		lender.extra.nest.borrower = n.borrower
	}
	n.borrower = nil
	return lender, false
}

// passToken lets the next function have a token that unlinkToken took from another.
func (b *Bridge) passToken(lender *job, free bool) {
	if free {
		b.free++
		b.dispatch()
	}
	if lender != nil {
		b.reclaim(lender)
		b.offer(lender)
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
