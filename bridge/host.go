package bridge

import (
	"context"
	"runtime"
)

// Host lends the calling goroutine's thread, often the main one, to the bridge: f runs on another
// goroutine, and every lane call below it, also from goroutines it starts, runs here, until f
// returns. Lane calls accepted before f returned run before Host does; later ones fail with
// [ErrClosed]. Host returns f's error; a panic in f comes back as a [parley.PanicError]. Nothing
// cuts the wait short: cancel ctx and let f decide. A function that hosts counts as waiting.
//
// Host keeps the goroutine locked to its thread meanwhile and restores the lock count it found. A
// goroutine that must be on the main thread calls runtime.LockOSThread in an init function. On a
// lane's thread Host acts as [AsyncToSync0].
//
// Host returns [ErrClosed] on a closed bridge. It panics if ctx or f is nil.
func Host(ctx context.Context, f func(context.Context) error) error {
	mustContext(ctx)
	if f == nil {
		panic("bridge: Host: nil function")
	}
	c := &errCall[struct{}]{fn: func(ctx context.Context, _ struct{}) error { return f(ctx) }}
	j := &c.Task.future.job
	if act := here(ctx); act != nil {
		act.runElsewhere(ctx, j, c)
		return j.err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p := positionOf(ctx)
	caller := p.caller()
	guest := &job{up: caller, work: noWork{}, elsewhere: true}
	l, err := p.owner().host(ctx, guest)
	if err != nil {
		return err
	}
	defer l.endHost(guest)
	if caller != nil && caller.parkNow() {
		defer caller.unparkNow()
	}
	guest.act.runElsewhere(guest, j, c)
	return j.err
}

// host makes the calling thread a lane on which guest is at work.
func (b *Bridge) host(ctx context.Context, guest *job) (*Lane, error) {
	l := b.newLane(LaneOptions{})
	l.key = "host"
	b.mu.Lock()
	defer b.unlock()
	guest.position = position{Context: ctx, bridge: b, target: l, job: guest}
	guest.home = l
	if b.phase != phaseOpen && b.isRoot(guest) {
		return nil, ErrClosed
	}
	if b.lanes.hosts == nil {
		b.lanes.hosts = map[*Lane]struct{}{}
	}
	b.lanes.hosts[l] = struct{}{}
	l.state = laneAlive
	l.thread, _ = threadID()
	b.accept(guest)
	l.push(guest)
	b.begin(guest)
	threads.add(l.thread, l)
	return l, nil
}

// endHost gives the thread back, also while the goroutine exits.
func (l *Lane) endHost(guest *job) {
	threads.remove(l.thread)
	defer l.leaveHost(guest)
	b := l.bridge
	b.mu.Lock()
	l.lose(ErrClosed) // what runs now must not wait for this thread
	b.unlock()
	l.runEach(l.closers())
}

func (l *Lane) leaveHost(guest *job) {
	b := l.bridge
	b.mu.Lock()
	defer b.unlock()
	l.pop(guest, nil)
	delete(b.lanes.hosts, l)
	b.fire(&l.end)
}

// noWork stands in for the function of a job that is a whole stretch of its goroutine.
type noWork struct{}

func (noWork) execute() error { return nil }
func (noWork) forget()        {}
func (noWork) function() any  { return nil }
