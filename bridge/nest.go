package bridge

// A function that waits inside the bridge does not use its token. It lends the token to one of the calls made below it
// that are awaited, so nesting cannot starve even at capacity 1, and no token has two functions at work. The exception
// is a function that goes on while a call below it still uses its token: see reclaim.

// nest is what a job knows about the calls below it, made when the first of them has to wait.
type nest struct {
	waiting  jobList // those that wait for a token, oldest first
	borrower *job    // the one that uses this job's token
	behind   int     // former borrowers at work past the capacity
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

// lend lets the oldest call below p that is awaited run on p's token, while p waits inside the bridge. A call that
// somebody selects on is not held to that: the bridge cannot see p wait then.
func (b *Bridge) lend(p *job) {
	n := p.more().nest
	if n == nil || n.borrower != nil || n.behind > 0 {
		return
	}
	j := n.waiting.head
	for j != nil && !j.wanted && (p.waits == 0 || !j.awaited) {
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

// lendTo reconsiders a call that somebody waits for now.
func (b *Bridge) lendTo(j *job) {
	if j.more().kin.list != nil {
		b.lend(b.holder(j))
	}
}

// noteAwaited tells a nested call that somebody awaits it.
func (j *job) noteAwaited() {
	b := j.bridge
	b.mu.Lock()
	j.awaited = true
	b.lendTo(j)
	b.unlock()
}

// reclaim gives p its token back when p goes on. A function that still uses it (another is ready first, or p left its
// Await early) gets a token of its own. If there is none, it works past the capacity, which beats making p wait for a
// function that may wait for p. No one else gets a token until that is made up for, and p lends no more meanwhile.
func (b *Bridge) reclaim(p *job) {
	n := p.more().nest
	if p.waits > 0 || n == nil || n.borrower == nil {
		return
	}
	j := n.borrower
	j.extra.lender = nil
	n.borrower = nil
	b.free--
	if b.free < 0 {
		j.extra.behind = p
		b.countBehind(j, 1)
	}
}

// countBehind keeps count of a former borrower that stops or resumes work.
func (b *Bridge) countBehind(j *job, change int) {
	p := j.more().behind
	if p == nil || p.more().nest == nil {
		return
	}
	p.extra.nest.behind += change
	if change < 0 {
		b.lend(p)
	}
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
		b.countBehind(j, -1)
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
		b.countBehind(j, 1)
		b.reclaim(j)
	}
}

func (b *Bridge) countParked(j *job, change int) {
	if !j.isLeave {
		b.stats.Parked += change
	}
}
