package bridge

import (
	"context"
	"runtime"
	"slices"

	"github.com/parleygo/parley"
)

// submit starts the call described by w and s with ctx: on its own lane's thread it runs at once, otherwise in turn.
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
	home, err := b.route(j, s)
	j.home = home
	if err == nil && home != nil && act != nil && act.lane == home {
		b.unlock()
		home.inline(act, j)
		return
	}
	var v *visitor
	if err == nil {
		v, err = b.enqueue(j)
	}
	if err != nil {
		b.complete(j, err)
	} else if s.abandon {
		b.watch(j)
	}
	b.unlock()
	if v != nil {
		b.waitAtDoor(v)
	}
}

// settle places the call: its bridge, the lane it resolves to and the calls it descends from.
func (j *job) settle(ctx context.Context, w work, s *settings, act *activation) {
	p := placeOf(ctx)
	j.place = place{Context: ctx, bridge: p.owner(), target: p.target, job: j}
	if s.lane != nil {
		j.bridge, j.target = s.lane.bridge, s.lane
	}
	j.up, j.work = p.job, w
	j.dedicated, j.abandon = s.dedicated, s.abandon
	j.repanic = s.repanic || j.bridge.opts.Repanic
	if act == nil {
		return
	}
	if !act.above(p.job) {
		j.by = act.job
	}
	if j.target == nil && act.lane.bridge == j.bridge {
		j.target = act.lane
	}
}

// refine gives the call the context its options ask for.
func (j *job) refine(s *settings) {
	if s.timeout > 0 {
		j.limitTime(s.timeout)
	}
	if s.abandon {
		j.viewStore()
	}
}

// above reports whether j descends from the activation. Only the lane's own goroutine may call it.
func (a *activation) above(j *job) bool {
	return j.ancestor(func(k *job) bool { return k.home == a.lane && k.act == a }) != nil
}

// refuse completes a job nobody else knows of yet.
func (j *job) refuse(err error) {
	b := j.bridge
	b.mu.Lock()
	b.complete(j, err)
	b.unlock()
}

// route decides where j runs; nil is the pool.
func (b *Bridge) route(j *job, s *settings) (*Lane, error) {
	switch {
	case s.pooled || s.dedicated:
		return nil, nil
	case j.target != nil:
		return j.target.lane()
	case b.opts.DefaultLane:
		if b.common == nil {
			b.common = b.newLane(b.opts.Lane)
		}
		j.target = b.common
		return b.common, nil
	case s.sensitive:
		return nil, ErrNoLane
	}
	return nil, nil
}

func (b *Bridge) enqueue(j *job) (*visitor, error) {
	if j.home != nil {
		return b.enqueueLane(j.home, j)
	}
	root := b.isRoot(j)
	if root && b.phase != phaseOpen {
		return nil, ErrClosed
	}
	if b.free > 0 { // so nobody waits
		b.accept(j)
		b.free--
		b.grant(j)
		return nil, nil
	}
	v, err := b.admit(&b.pool, j, root)
	if v == nil && err == nil {
		b.pool.jobs.push(j)
	}
	return v, err
}

// waitAtDoor blocks the caller of a call past the queue limit until the call is in, or its context ends.
func (b *Bridge) waitAtDoor(v *visitor) {
	j := v.job
	if b.wait(j.Context, &v.in, j.Context.Done(), nil) {
		return
	}
	b.mu.Lock()
	defer b.unlock()
	q := b.queueOf(j)
	q.door = slices.DeleteFunc(q.door, func(other *visitor) bool { return other == v })
	b.contextEnded(j)
}

// failQueue ends everything that waits in q and at its door.
func (b *Bridge) failQueue(q *queue, why error) {
	door := q.door
	q.door = nil
	for j := q.jobs.head; j != nil; j = q.jobs.head {
		b.withdraw(j, why)
	}
	for _, v := range door {
		b.withdraw(v.job, why)
		b.fire(&v.in)
	}
}

// runOnOwnThread runs the function on a thread that nothing ran on before in this state and nothing will after.
func (j *job) runOnOwnThread() error {
	result := make(chan error, 1)
	go j.lockAndRun(result)
	err, returned := <-result
	if !returned {
		return parley.ErrGoexit
	}
	return err
}

func (j *job) lockAndRun(result chan error) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	if id, ok := threadID(); ok && id == mainThread {
		moved := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(moved)
			j.runAndTell(result)
		}()
		<-moved
		runtime.UnlockOSThread()
		return
	}
	j.runAndTell(result)
}

func (j *job) runAndTell(result chan<- error) {
	defer close(result)
	result <- j.run()
}
