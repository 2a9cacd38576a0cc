package bridge

// queue is a line of waiting jobs with a limit on root calls: those not made by a function that runs on the bridge.
type queue struct {
	jobs  jobList
	roots int
	door  []*visitor // root calls that wait for a place, oldest first
	swept int        // refusals since calls that nobody awaits were last looked through
}

type visitor struct {
	job *job
	in  latch
}

// admit accepts j into q, or makes it wait at the door, or refuses it. Join enters an accepted job.
func (b *Bridge) admit(q *queue, j *job, root bool) (*visitor, error) {
	if !root || b.opts.QueueLimit < 0 {
		b.accept(j)
		return nil, nil
	}
	if q.roots >= b.opts.QueueLimit {
		b.sweep(q)
	}
	if q.roots < b.opts.QueueLimit && len(q.door) == 0 {
		b.accept(j)
		j.counted = true
		q.roots++
		return nil, nil
	}
	if !b.opts.QueueWait {
		b.stats.Rejected++
		return nil, ErrQueueFull
	}
	b.accept(j)
	v := &visitor{job: j}
	q.door = append(q.door, v)
	return v, nil
}

func (b *Bridge) queueOf(j *job) *queue {
	if j.home != nil {
		return &j.home.queue
	}
	return &b.pool
}

// left notes that a counted job left its queue, and lets the next visitors in.
func (b *Bridge) left(j *job) {
	q := b.queueOf(j)
	j.counted = false
	q.roots--
	for len(q.door) > 0 && q.roots < b.opts.QueueLimit {
		v := q.door[0]
		q.door[0] = nil
		q.door = q.door[1:]
		if v.job.state != stateWaiting {
			continue // withdrawn at the door
		}
		v.job.counted = true
		q.roots++
		q.jobs.push(v.job)
		b.fire(&v.in)
	}
}

// sweep withdraws calls whose context ended although nobody awaits them, which otherwise show up only when their
// turn comes. It is spread over refusals, so that overload stays cheap.
func (b *Bridge) sweep(q *queue) {
	q.swept++
	if q.swept <= b.opts.QueueLimit/64 {
		return
	}
	q.swept = 0
	for j := q.jobs.head; j != nil; {
		next := j.turn.next
		if j.Context.Err() != nil {
			b.contextEnded(j)
			next = q.jobs.head // a visitor may have taken the place
		}
		j = next
	}
}
