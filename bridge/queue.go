package bridge

// queue is a line of waiting jobs with a limit on root calls: those not made by a function that
// runs on a bridge.
type queue struct {
	jobs  jobList
	roots int
	door  jobList // root calls that wait for a place, oldest first
	swept int     // refusals since calls that nobody awaits were last looked through
}

func (q *queue) empty() bool { return q.jobs.head == nil && q.door.head == nil }

func (q *queue) waiting() int { return q.jobs.count + q.door.count }

// oldest returns the call that has waited longest, nil if there is none.
func (q *queue) oldest() *job {
	if q.jobs.head != nil {
		return q.jobs.head
	}
	return q.door.head
}

// admit accepts j, or makes it wait at the door, or refuses it. The caller enters an accepted job.
func (b *Bridge) admit(q *queue, j *job, root bool) (atDoor bool, err error) {
	if !root {
		b.accept(j)
		return false, nil
	}
	if q.roots < b.opts.QueueLimit && q.door.head == nil {
		b.accept(j)
		j.counted = true
		q.roots++
		return false, nil
	}
	if !b.opts.QueueWait {
		return false, ErrQueueFull
	}
	b.accept(j)
	j.need() // for entered
	q.door.push(j)
	return true, nil
}

func (b *Bridge) queueOf(j *job) *queue {
	if j.home != nil {
		return &j.home.queue
	}
	return &b.pool
}

// left notes that a counted job left its queue, and lets the next ones in.
func (b *Bridge) left(j *job) {
	q := b.queueOf(j)
	j.counted = false
	q.roots--
	for q.door.head != nil && q.roots < b.opts.QueueLimit {
		next := q.door.pop()
		next.counted = true
		q.roots++
		q.jobs.push(next)
		b.fire(&next.extra.entered)
	}
}

// waitAtDoor blocks the caller of a call past the queue limit until the call is in, or its context
// ends.
func (b *Bridge) waitAtDoor(j *job) {
	b.mu.Lock()
	entered := &j.extra.entered
	if j.turn.list != &b.queueOf(j).door {
		b.unlock()
		return
	}
	b.unlock()
	if !b.wait(j.Context, entered, j.Context.Done()) {
		j.tellEnd()
	}
}

// failQueue ends everything that waits in q and at its door.
func (b *Bridge) failQueue(q *queue, why error) {
	for j := q.door.head; j != nil; j = q.door.head {
		b.withdraw(j, why)
		b.fire(&j.extra.entered)
	}
	for j := q.jobs.head; j != nil; j = q.jobs.head {
		b.withdraw(j, why)
	}
}

// sweep withdraws calls whose context has ended although nobody awaits them, which otherwise show
// up only when their turn comes. It is spread over refusals, so that overload stays cheap. It
// reports whether it looked. The mutex is held at entry and return, not between.
func (b *Bridge) sweep(q *queue) bool {
	q.swept++
	if q.swept <= b.opts.QueueLimit/64 {
		return false
	}
	q.swept = 0
	var mortal []*job
	for j := q.jobs.head; j != nil; j = j.turn.next {
		if j.life != lifeEndless {
			mortal = append(mortal, j)
		}
	}
	b.unlock()
	for _, j := range mortal {
		j.tellEnd()
	}
	b.mu.Lock()
	return true
}
