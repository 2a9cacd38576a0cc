package bridge

// A function that waits inside the bridge does not use its token. It lends the token to one of the calls made
// below it, so that nesting cannot starve even at capacity 1, and no token ever has two functions at work.

// nest is what a job knows about the calls below it, made when the first of them has to wait.
type nest struct {
	waiting  jobList // those that wait for a token, oldest first
	borrower *job    // the one that uses this job's token
}

// adopt enters a waiting job with the function whose token it may use.
func (b *Bridge) adopt(j *job) {
	p := b.holder(j)
	if p == nil {
		return
	}
	if p.more().nest == nil {
		p.need().nest = &nest{waiting: jobList{kin: true}}
	}
	p.extra.nest.waiting.push(j)
	b.lend(p)
}

// lend lets the oldest call below p run on p's token, if p does not need it: p waits inside the bridge,
// or somebody selects on that call's Done.
func (b *Bridge) lend(p *job) {
	n := p.more().nest
	if n == nil || n.borrower != nil {
		return
	}
	j := n.waiting.head
	for j != nil && p.waits == 0 && !j.wanted {
		j = j.extra.kin.next
	}
	if j == nil {
		return
	}
	b.leaveLine(j)
	j.extra.lender = p
	n.borrower = j
	b.grant(j)
}

// reclaim gives p its token back when p goes on. A function that still uses it (its caller left an Await early,
// or abandoned it) keeps a token of its own, if need be past the capacity; nobody else gets one until that is made up for.
func (b *Bridge) reclaim(p *job) {
	n := p.more().nest
	if p.waits > 0 || n == nil || n.borrower == nil {
		return
	}
	n.borrower.extra.lender = nil
	n.borrower = nil
	b.free--
}

// rehome gives the calls that waited below a function that is over to the next function further up.
func (b *Bridge) rehome(over *job) {
	n := over.more().nest
	if n == nil {
		return
	}
	for j := n.waiting.pop(); j != nil; j = n.waiting.pop() {
		b.adopt(j)
	}
	over.extra.nest = nil
}

// park notes that a wait is made with j's context. It reports whether unpark must follow.
func (b *Bridge) park(j *job) bool {
	if j.state != stateRunning {
		return false
	}
	j.waits++
	if j.waits == 1 {
		b.countParked(j, 1)
		b.lend(j)
	}
	return true
}

func (b *Bridge) unpark(j *job) {
	if j.state != stateRunning {
		return
	}
	j.waits--
	if j.waits == 0 {
		b.countParked(j, -1)
		b.reclaim(j)
	}
}

func (b *Bridge) countParked(j *job, change int) {
	if !j.isLeave {
		b.stats.Parked += change
	}
}
