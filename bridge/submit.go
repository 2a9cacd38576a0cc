package bridge

import (
	"context"
	"errors"
)

// submit starts the call described by w and s with ctx: on its own lane's thread it runs at once,
// otherwise in turn.
func (j *job) submit(ctx context.Context, w work, s *settings) {
	act := here(ctx)
	j.settle(ctx, w, s, act)
	if ctx.Err() != nil {
		j.refuse(endOf(ctx))
		return
	}
	j.refine(s)
	b := j.bridge
	b.mu.Lock()
	err := b.route(j, s)
	if err == nil && act != nil && act.lane == j.home {
		b.unlock()
		j.home.inline(act, j)
		return
	}
	atDoor := false
	if err == nil {
		atDoor, err = b.enter(j, s)
	}
	if err != nil {
		b.refuseEntry(j, err)
	}
	watch := j.abandon || j.home != nil && j.home.state == laneStarving
	b.unlock()
	if watch {
		j.watch() // before somebody awaits it
	}
	if atDoor {
		b.waitAtDoor(j)
	}
}

// enter accepts j, if need be after calls that are over without having run have left the queue. It
// reports whether j waits at the queue's door.
func (b *Bridge) enter(j *job, s *settings) (atDoor bool, err error) {
	atDoor, err = b.enqueue(j)
	if atDoor {
		b.sweep(b.queueOf(j))
	}
	if errors.Is(err, ErrQueueFull) && b.sweep(b.queueOf(j)) {
		if err = b.route(j, s); err == nil {
			atDoor, err = b.enqueue(j)
		}
	}
	b.noteQueued(j)
	return atDoor, err
}

// refuseEntry completes a job that was not accepted.
func (b *Bridge) refuseEntry(j *job, err error) {
	if errors.Is(err, ErrQueueFull) || errors.Is(err, ErrNoThread) {
		b.stats.Rejected++
	}
	if j.home != nil {
		j.home.forgetUnused()
	}
	b.complete(j, err)
}

// settle places the call: its bridge, the lane it resolves to and the calls it descends from.
func (j *job) settle(ctx context.Context, w work, s *settings, act *activation) {
	p := positionOf(ctx)
	j.position = position{Context: ctx, bridge: p.bridge, target: p.target, job: j}
	switch {
	case s.lane != nil:
		j.bridge, j.target = s.lane.bridge, s.lane
	case j.bridge == nil && act != nil:
		j.bridge = act.lane.bridge
	case j.bridge == nil:
		j.bridge = Default()
	}
	j.up, j.work = p.caller(), w
	j.dedicated, j.abandon = s.dedicated, s.abandon
	j.repanic = s.repanic || j.bridge.opts.Repanic
	if act == nil {
		return
	}
	if !act.above(j.up) {
		j.by = act.job
	}
	if j.target == nil && act.lane.bridge == j.bridge {
		j.target = act.lane
	}
}

// refine gives the call the context its options ask for.
func (j *job) refine(s *settings) {
	switch {
	case s.timeout > 0:
		j.limitTime(s.timeout)
	case j.Context.Done() != nil:
		j.life = lifeMortal
	}
	if s.abandon {
		j.viewStore()
	}
}

// refuse completes a job nobody else knows of yet.
func (j *job) refuse(err error) {
	b := j.bridge
	b.mu.Lock()
	b.complete(j, err)
	b.unlock()
}

// route decides where j runs: j.home, nil for the pool.
func (b *Bridge) route(j *job, s *settings) (err error) {
	switch {
	case s.pooled || s.dedicated:
	case j.target != nil:
		j.home, err = j.target.lane()
	case b.opts.DefaultLane:
		if b.lanes.common == nil {
			b.lanes.common = b.newLane(b.opts.Lane)
			b.lanes.common.key = "default"
		}
		j.target, j.home = b.lanes.common, b.lanes.common
	case s.sensitive:
		return ErrNoLane
	}
	return err
}

// enqueue accepts j where its turn will come. It reports whether j waits at the door of a full
// queue.
func (b *Bridge) enqueue(j *job) (atDoor bool, err error) {
	if j.home != nil {
		return b.enqueueLane(j.home, j)
	}
	if b.phase != phaseOpen && b.isRoot(j) {
		return false, ErrClosed
	}
	if b.free() { // so nobody waits
		b.accept(j)
		b.grant(j, true)
		return false, nil
	}
	atDoor, err = b.admit(&b.pool, j, !j.sheltered())
	if !atDoor && err == nil {
		b.pool.jobs.push(j)
	}
	return atDoor, err
}

// enqueueLane puts j where its turn on l will come: before the job it descends from, or in l's
// queue.
func (b *Bridge) enqueueLane(l *Lane, j *job) (atDoor bool, err error) {
	if l.state == laneOver {
		return false, l.refusal
	}
	if act := l.enclosing(j); act != nil {
		b.accept(j)
		act.inbox.push(j)
		l.rouse()
		return false, nil
	}
	if l.refusal != nil {
		return false, l.refusal
	}
	if b.phase != phaseOpen && b.isRoot(j) {
		return false, ErrClosed
	}
	root := !j.sheltered()
	if root && l.refusedThread() {
		return false, b.noThread()
	}
	atDoor, err = b.admit(&l.queue, j, root)
	if err != nil {
		return false, err
	}
	if !atDoor {
		l.queue.jobs.push(j)
	}
	l.start(root)
	l.rouse()
	return atDoor, nil
}
