package bridge

import "context"

// ThreadID lets tests compare threads: those of functions that are alive at the same time.
func ThreadID() uint64 {
	id, _ := threadID()
	return id
}

// MainThread is the id of the process's main thread.
func MainThread() uint64 { return mainThread }

// LanesRegistered reports how many lanes the thread registry knows, over all bridges.
func LanesRegistered() int { return int(threads.lanes.Load()) }

// LaneHere reports whether the calling thread, which id tells, is taken for a lane's.
func LaneHere(id func() (uint64, bool)) bool {
	l, _ := threads.find(id)
	return l != nil
}

// Aim returns ctx with its calls aimed at the lane that from's are aimed at.
func Aim(ctx, from context.Context) context.Context {
	p := positionOf(from)
	return &position{Context: ctx, bridge: p.bridge, target: p.target, job: positionOf(ctx).job}
}

// DefaultMade reports whether the default bridge has been made. Nobody may be making it.
func DefaultMade() bool { return standard.bridge != nil }

// Waiters returns how long the list of those who wait for f is, with those who have left it.
func Waiters[T any](f *Future[T]) int {
	f.job.bridge.mu.Lock()
	defer f.job.bridge.mu.Unlock()
	n := 0
	for w := f.job.waiters.Load(); w != nil && w != &opened; w = w.next {
		n++
	}
	return n
}

// HereByContext reports whether ctx is taken for that of a lane's thread where threads have no id.
func HereByContext(ctx context.Context) bool { return hereByContext(ctx) != nil }

// KeysKnown returns how many keys b knows a lane for.
func (b *Bridge) KeysKnown() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.lanes.keyed)
}
