package bridge

import (
	"context"
	"runtime"
)

// Host lends the calling goroutine's thread, often the main one, to the bridge: f runs on another goroutine, and every
// lane call below it, also from goroutines it starts, runs here, until f returns. Lane calls accepted before f returned
// run before Host does; later ones fail with [ErrClosed]. Host returns f's error; a panic in f comes back as a
// [parley.PanicError]. Nothing cuts the wait short: cancel ctx and let f decide.
//
// Host keeps the goroutine locked to its thread meanwhile and restores the lock count it found. A goroutine that must be
// on the main thread calls runtime.LockOSThread in an init function. On a lane's thread Host acts as [AsyncToSync0].
//
// Host returns [ErrClosed] on a closed bridge. It panics if ctx or f is nil.
func Host(ctx context.Context, f func(context.Context) error) error {
	mustContext(ctx)
	if f == nil {
		panic("bridge: Host: nil function")
	}
	c := &call[struct{}, struct{}]{fn: func(ctx context.Context, _ struct{}) (struct{}, error) {
		return struct{}{}, f(ctx)
	}}
	if act := here(ctx); act != nil {
		act.leave(ctx, &c.job, c)
		return c.job.err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p := placeOf(ctx)
	guest := &job{up: p.job, work: noWork{}, isLeave: true}
	l, err := p.owner().host(ctx, guest)
	if err != nil {
		return err
	}
	defer l.endHost(guest)
	guest.act.leave(guest, &c.job, c)
	return c.job.err
}

// host makes the calling thread a lane on which guest is at work.
func (b *Bridge) host(ctx context.Context, guest *job) (*Lane, error) {
	l := b.newLane(LaneOptions{})
	b.mu.Lock()
	defer b.unlock()
	guest.place = place{Context: ctx, bridge: b, target: l, job: guest}
	guest.home = l
	if b.phase != phaseOpen && b.isRoot(guest) {
		return nil, ErrClosed
	}
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
	l.closeValues()
	b := l.bridge
	b.mu.Lock()
	defer b.unlock()
	l.pop(guest, nil)
	l.lose(ErrClosed)
	b.fire(&l.end)
}

// noWork stands in for the function of a job that is a whole stretch of its goroutine.
type noWork struct{}

func (noWork) execute() error { return nil }
func (noWork) forget()        {}
