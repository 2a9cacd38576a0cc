package bridge

// Functions in the pool are bounded twice. Who is at work has a token, and there are Capacity
// tokens. Who waits inside the bridge puts the token down and has it back at the moment the wait is
// over. And of the calls that came from the queue, at most Capacity are unfinished. So waiting
// functions do not pile up.
//
// A call that a function waits for need not come from the queue: it takes any token that lies
// there. Therefore nesting cannot starve, even at capacity 1, in whatever way pool, lanes and
// bridges wait for each other. The capacity is exceeded only by a function that goes on while
// others have all tokens. That beats making it wait for a function that may wait for it.
type tokens struct {
	taken    int     // functions at work, or about to begin
	admitted int     // unfinished calls that came from the queue
	awaited  jobList // calls in the queue that a function waits for
	unseen   int     // waits for a lane's end whose waiter the bridge cannot see
}

// free reports whether a call that comes from the queue may begin now. Then nobody waits for a
// token.
func (b *Bridge) free() bool {
	return b.tokens.taken < b.stats.Capacity && b.tokens.admitted < b.stats.Capacity
}

// dispatch grants tokens to the jobs that wait longest.
func (b *Bridge) dispatch() {
	for {
		j, fromQueue := b.tokens.awaited.head, false
		switch {
		case b.free():
			j, fromQueue = b.pool.jobs.head, true
		case b.tokens.taken >= b.bound():
			return
		}
		if j == nil {
			return
		}
		b.leaveLine(j)
		b.grant(j, fromQueue)
	}
}

// bound is how many may be at work before a call that a function waits for may not begin. While
// somebody unseen waits for a lane's end it is one more: that may be a function with a token.
func (b *Bridge) bound() int { return b.stats.Capacity + min(b.tokens.unseen, 1) }

func (b *Bridge) grant(j *job, fromQueue bool) {
	j.state.Store(stateGranted)
	b.tokens.taken++
	if fromQueue {
		j.admitted = true
		b.tokens.admitted++
	}
	b.granted.push(j)
	b.callWorker()
}

// giveBack takes the token from a job that is over, or that will not begin.
func (b *Bridge) giveBack(j *job) {
	if j.waits == 0 {
		b.tokens.taken--
	}
	if j.admitted {
		b.tokens.admitted--
	}
}

// noteAwaited tells that a function waits for j.
func (b *Bridge) noteAwaited(j *job) {
	if !j.waiting() {
		return
	}
	switch {
	case j.home != nil:
		j.home.feed()
	case j.turn.list == &b.pool.jobs && j.more().awaited.list == nil:
		b.tokens.awaited.push(j)
		b.dispatch()
	}
}

// park notes that a wait is made with j's context. It reports whether unpark must follow.
func (b *Bridge) park(j *job) bool {
	if !j.running() {
		return false
	}
	j.waits++
	if j.waits == 1 {
		b.countParked(j, 1)
		if j.inPool() {
			b.tokens.taken--
			b.dispatch()
		}
	}
	return true
}

func (b *Bridge) unpark(j *job) {
	if !j.running() {
		return
	}
	j.waits--
	if j.waits == 0 {
		b.countParked(j, -1)
		if j.inPool() {
			b.tokens.taken++
		}
	}
}

func (b *Bridge) countParked(j *job, change int) {
	if !j.elsewhere {
		b.stats.Parked += change
	}
}

// parkMaker makes the function that made j count as waiting until j is complete. Somebody waits for
// j and the bridge cannot see who: by its Done channel, or with a context that tells no function.
// No mutex is held.
func (j *job) parkMaker() {
	maker := j.by
	if maker == nil {
		maker = j.up
	}
	maker = maker.now()
	if maker == nil || !maker.inPool() {
		return
	}
	b := j.bridge
	strange := maker.bridge != b
	if strange && !maker.parkNow() {
		return
	}
	b.mu.Lock()
	due := !j.fired() && j.more().maker == nil && (strange || b.park(maker))
	if due {
		j.need().maker = maker
	}
	b.unlock()
	if strange && !due {
		maker.unparkNow()
	}
}

// parkNow is Bridge.park with the mutex of j's own bridge.
func (j *job) parkNow() bool {
	b := j.bridge
	b.mu.Lock()
	defer b.unlock()
	return b.park(j)
}

func (j *job) unparkNow() {
	b := j.bridge
	b.mu.Lock()
	b.unpark(j)
	b.unlock()
}

// unparkMaker is called when j is complete.
func (b *Bridge) unparkMaker(j *job) {
	maker := j.more().maker
	switch {
	case maker == nil:
		return
	case maker.bridge == b:
		b.unpark(maker)
	default:
		b.afterwards(maker.unparkNow)
	}
	j.extra.maker = nil
}
