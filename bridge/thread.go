package bridge

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// mainThread is read during package initialisation, which the runtime runs on the main thread. A
// goroutine that ends while locked to that thread does not destroy it but parks it for good, so no
// lane may live there.
var mainThread, _ = threadID()

// Who am I is decided by the thread, because a context can be carried to any goroutine. A lane's
// thread runs nothing but the lane, so its id in this registry identifies the lane exactly. Ids are
// reused: a lane leaves the registry before its thread ends.
var threads registry

type registry struct {
	lanes  atomic.Int64 // lets programs without lanes skip the system call
	shards [32]struct {
		mu sync.RWMutex
		m  map[uint64]*Lane
	}
}

func (r *registry) add(id uint64, l *Lane) {
	shard := &r.shards[id%uint64(len(r.shards))]
	shard.mu.Lock()
	if shard.m == nil {
		shard.m = map[uint64]*Lane{}
	}
	shard.m[id] = l
	shard.mu.Unlock()
	r.lanes.Add(1)
}

func (r *registry) remove(id uint64) {
	shard := &r.shards[id%uint64(len(r.shards))]
	shard.mu.Lock()
	delete(shard.m, id)
	shard.mu.Unlock()
	r.lanes.Add(-1)
}

// find returns the lane of the calling thread, nil if it is no lane's, and false if threads have no
// id. The goroutine stays on the thread meanwhile: else it could be moved when it has learnt the
// id, and a lane begin where it was.
func (r *registry) find(id func() (uint64, bool)) (l *Lane, ok bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread, ok := id()
	if !ok {
		return nil, false
	}
	shard := &r.shards[thread%uint64(len(r.shards))]
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	return shard.m[thread], true
}

// here returns the activation that runs on the calling thread, nil if the thread is no lane's.
// Where threads have no id the context must do: right as long as no job lends its context to other
// goroutines.
func here(ctx context.Context) *activation {
	if threads.lanes.Load() == 0 {
		return nil
	}
	l, ok := threads.find(threadID)
	if !ok {
		return hereByContext(ctx)
	}
	if l == nil {
		return nil
	}
	return l.top()
}

func hereByContext(ctx context.Context) *activation {
	caller := positionOf(ctx).caller()
	if caller == nil || caller.home == nil {
		return nil
	}
	l := caller.home
	l.bridge.mu.Lock()
	defer l.bridge.mu.Unlock()
	if top := l.top(); top != nil && top.covers(caller) {
		return top
	}
	return nil
}
