package bridge

// A function that waits inside the bridge does not use its token. It lends the token to one awaited call that was made
// by a function on the bridge: to one of its own first, else to any that waits. So nesting cannot starve even at
// capacity 1, in whatever way pool and lanes wait for each other, and a token has one function at work.
// The exception is a function that goes on while another still uses its token: see reclaim.

// nest is what a job knows about those who use its token, made when it first lends it.
type nest struct {
	borrower *job // the one that uses it now
	behind   int  // former borrowers at work past the capacity
}

// nested reports whether j was made by a function that ran on some bridge.
func (j *job) nested() bool { return j.up != nil || j.by != nil }

// noteAwaited tells a nested call that somebody waits for it: by Await, or, if selected, on its Done channel.
func (b *Bridge) noteAwaited(j *job, selected bool) {
	if selected {
		j.wanted = true
	}
	if !j.awaited && j.state == stateWaiting && j.home == nil && !j.counted {
		b.stray.push(j)
	}
	j.awaited = true
	if j.more().stray.list == nil {
		return
	}
	if p := b.holder(j); p != nil {
		b.lend(p)
	}
	b.lendIdle()
}

// lendIdle brings idle tokens and calls in need of one together.
func (b *Bridge) lendIdle() {
	for b.idle.head != nil && b.stray.head != nil {
		b.lend(b.idle.head)
	}
}

// lend gives p's token to a call, if there is one to give it to and p does not need it. A call that somebody selects on
// may have its maker's token even if p does not wait inside the bridge, for the bridge cannot see p wait then.
func (b *Bridge) lend(p *job) {
	if n := p.more().nest; n != nil && (n.borrower != nil || n.behind > 0) {
		return
	}
	for j := b.stray.head; j != nil; j = j.extra.stray.next {
		if (p.waits > 0 || j.wanted) && b.holder(j) == p {
			b.lendTo(j, p)
			return
		}
	}
	if p.waits > 0 && b.stray.head != nil {
		b.lendTo(b.stray.head, p)
	}
}

func (b *Bridge) lendTo(j, p *job) {
	if p.more().nest == nil {
		p.need().nest = &nest{}
	}
	b.leaveLine(j)
	j.extra.lender = p
	p.extra.nest.borrower = j
	b.noteIdle(p)
	b.grant(j)
}

// noteIdle keeps p among the idle while its token is.
func (b *Bridge) noteIdle(p *job) {
	n := p.more().nest
	idle := p.state == stateRunning && p.waits > 0 && p.home == nil && !p.isLeave &&
		(n == nil || n.borrower == nil && n.behind == 0)
	listed := p.turn.list == &b.idle
	if idle && !listed {
		b.idle.push(p)
	}
	if !idle && listed {
		b.idle.remove(p)
	}
}

// offer lends p's token, or keeps it in view for calls to come.
func (b *Bridge) offer(p *job) {
	b.noteIdle(p)
	b.lend(p)
}

// reclaim gives p its token back when p goes on. A function that still uses it (another result came first, or p left
// its Await early) gets a token of its own. If there is none, it works past the capacity, which beats making p wait for
// a function that may wait for p. Nobody else gets a token until that is made up for, and p lends no more meanwhile.
func (b *Bridge) reclaim(p *job) {
	n := p.more().nest
	if p.waits > 0 || n == nil || n.borrower == nil {
		return
	}
	j := n.borrower
	j.extra.lender = nil
	n.borrower = nil
	b.free--
	if b.free < 0 && j.waits == 0 {
		n.behind++
	}
	if b.free < 0 {
		j.extra.behind = p
	}
}

// countBehind keeps count of a former borrower that stops or resumes work.
func (b *Bridge) countBehind(j *job, change int) {
	p := j.more().behind
	if p == nil || p.state != stateRunning {
		return
	}
	p.extra.nest.behind += change
	b.offer(p)
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
		if j.home == nil && !j.isLeave {
			b.offer(j)
		}
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
		b.noteIdle(j)
		b.reclaim(j)
	}
}

func (b *Bridge) countParked(j *job, change int) {
	if !j.isLeave {
		b.stats.Parked += change
	}
}
