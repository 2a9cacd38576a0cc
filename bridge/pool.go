package bridge

import (
	"runtime"

	"github.com/parleygo/parley"
)

// The pool runs a job on a goroutine of the engine while the job holds a token. The engine is asked
// for a goroutine with the same function value every time, and that goroutine takes the next
// granted job. So starting a call allocates nothing, and a worker that finds more work goes on
// without being started anew.

// callWorker asks for one more worker unless one is on its way. Whoever takes a job calls the next
// worker for the rest, so a burst of short calls does not wake a goroutine each.
func (b *Bridge) callWorker() {
	if !b.coming && b.granted.head != nil {
		b.coming = true
		b.out.spawn = true
	}
}

// take gives the calling worker a granted job, which has begun. There is none if it was withdrawn
// after it got its token. The mutex is held at entry and return.
func (b *Bridge) take() *job {
	for b.granted.head != nil {
		j := b.granted.pop()
		b.callWorker()
		if b.beginUnlessEnded(j) {
			return j
		}
	}
	return nil
}

// beginUnlessEnded begins j, or withdraws it if its context has ended while it waited. It reports
// whether j has begun. The mutex is held at entry and return; where it is not held between, j is in
// no line.
func (b *Bridge) beginUnlessEnded(j *job) bool {
	if j.life != lifeEndless {
		b.unlock()
		why := j.ended()
		b.mu.Lock()
		if j.over() { // withdrawn meanwhile
			return false
		}
		if why != nil {
			b.withdraw(j, j.timedOut(why, ErrQueueTimeout))
			return false
		}
	}
	b.begin(j)
	return true
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

// linger lets others run once before a worker gives up, which spares a caller that comes straight
// back a wake-up. It reports whether there is a job now.
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
	b.giveBack(j)
	b.end(j, err) // those who awaited j go on: they must find their token back
	b.dispatch()
}
