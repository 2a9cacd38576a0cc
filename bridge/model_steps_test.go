package bridge_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

// spot is where a piece of a function's work runs.
type spot struct {
	lane *modelLane   // on this lane's thread
	pool *modelBridge // in this bridge's pool; neither: where it counts for nothing
	host *modelLane   // the host that lends a thread to what is made here
	root bool         // below no function that runs for sure
}

func (m *model) run(ctx context.Context, nodes []*node, at spot) {
	for _, n := range nodes {
		m.step(ctx, n, at)
	}
}

func (m *model) step(ctx context.Context, n *node, at spot) {
	switch n.op {
	case opWork:
		at.work(n.wait)
	case opPool:
		m.check(ctx, m.pooled(ctx, n, at))
	case opLane:
		m.check(ctx, m.onLane(ctx, n, at, m.lanes[n.lane], nil))
	case opHere:
		m.here(ctx, n, at)
	case opLeave:
		m.leave(ctx, n, at)
	case opHost:
		m.host(ctx, n, at)
	case opFan:
		m.fan(ctx, n, at)
	case opQueue:
		m.queue(ctx, n, at)
	case opWalk:
		m.walk(ctx, n, at)
	case opLimit:
		ctx, cancel := context.WithTimeout(ctx, n.wait)
		defer cancel()
		m.run(ctx, n.kids, at)
	case opPanic:
		panic("model")
	case opExit:
		runtime.Goexit()
	case opLate:
		go func() {
			time.Sleep(n.wait)
			m.run(ctx, n.kids, spot{host: at.host, root: true})
		}()
	default:
		m.stepAway(ctx, n, at)
	}
}

// stepAway makes a call that may outlive its maker.
func (m *model) stepAway(ctx context.Context, n *node, at spot) {
	short, cancel := context.WithTimeout(ctx, n.wait)
	defer cancel()
	switch n.op {
	case opForget:
		m.pooled(ctx, n, at)
	case opDesert:
		c := m.pooled(ctx, n, at)
		short, cancel := context.WithTimeout(m.root, n.wait)
		defer cancel()
		_, _ = c.future.Await(short)
	case opAbandon:
		_, _ = m.pooled(short, n, at, bridge.Abandon()).future.Await(short)
	case opWithdraw:
		c := m.pooled(short, n, at)
		if n.never {
			time.AfterFunc(n.wait, cancel)
			return
		}
		at.work(n.wait)
		m.check(ctx, c)
	}
}

// work is what a function does itself, for as long as it counts for the bounds.
func (s spot) work(d time.Duration) {
	at := &gauge{}
	switch {
	case s.lane != nil:
		at = &s.lane.working
	case s.pool != nil:
		at = &s.pool.working
	}
	at.enter()
	time.Sleep(d)
	at.leave()
}

func (m *model) pooled(ctx context.Context, n *node, at spot, options ...bridge.Option) *call {
	b := m.bridges[n.bridge]
	whole := n.op == opPool && n.whole
	return m.start(bridge.Aim(ctx, b.ctx), at, whole, func(ctx context.Context) {
		inside := spot{pool: b, host: at.host}
		inside.work(time.Millisecond)
		m.run(ctx, n.kids, inside)
	}, append(options, bridge.Pooled())...)
}

// onLane aims at the lane and leaves the line of descent alone.
func (m *model) onLane(ctx context.Context, n *node, at spot, l *modelLane, began func()) *call {
	whole := n.op == opLane && n.whole
	return m.start(bridge.Aim(ctx, l.ctx), at, whole, func(ctx context.Context) {
		if began != nil {
			began()
		}
		id := bridge.ThreadID()
		if first := l.thread.Swap(id); first != 0 && first != id && !l.keyed {
			m.t.Errorf("a job of a lane ran on another thread")
		}
		inside := spot{lane: l}
		if l == at.host {
			inside.host = l
		}
		inside.work(time.Millisecond)
		m.run(ctx, n.kids, inside)
	}, bridge.Sensitive())
}

// here calls on the thread that a host lends.
func (m *model) here(ctx context.Context, n *node, at spot) {
	if at.host == nil {
		m.check(ctx, m.pooled(ctx, n, at))
		return
	}
	m.check(ctx, m.onLane(ctx, n, at, at.host, nil))
}

func (m *model) leave(ctx context.Context, n *node, at spot) {
	inside := at
	if at.lane != nil {
		inside.lane = nil
	}
	m.checkLeave(leave(ctx, func(ctx context.Context) { m.run(ctx, n.kids, inside) }))
}

func (m *model) checkLeave(err error) {
	if err != nil && !errors.Is(err, parley.ErrAppPanic) && !errors.Is(err, parley.ErrGoexit) {
		m.t.Errorf("leaving: %v", err)
	}
}

// host lends the thread, unless that is a lane's.
func (m *model) host(ctx context.Context, n *node, at spot) {
	if at.lane != nil {
		m.leave(ctx, n, at)
		return
	}
	l := &modelLane{}
	ran := false
	err := bridge.Host(bridge.Aim(ctx, m.bridges[n.bridge].ctx), func(ctx context.Context) error {
		ran = true
		l.ctx = ctx
		m.run(ctx, n.kids, spot{host: l})
		return nil
	})
	if errors.Is(err, bridge.ErrClosed) && !ran {
		return
	}
	m.checkLeave(err)
	if l.working.peak.Load() > 1 {
		m.t.Errorf("a host ran %d jobs at once", l.working.peak.Load())
	}
}

func (m *model) fan(ctx context.Context, n *node, at spot) {
	var calls []*call
	for range modelCalls {
		calls = append(calls, m.pooled(ctx, n, at))
	}
	m.await(ctx, n, at, calls)
}

// queue starts several calls on one lane. They must begin in this order.
func (m *model) queue(ctx context.Context, n *node, at spot) {
	var calls []*call
	var last atomic.Int64
	for i := range int64(modelCalls) {
		calls = append(calls, m.onLane(ctx, n, at, m.lanes[n.lane], func() {
			if last.Swap(i+1) > i {
				m.t.Errorf("lane %d: a call overtook an earlier one", n.lane)
			}
		}))
	}
	m.await(ctx, n, at, calls)
}

// await waits for the calls in the node's way, if that is one for where it is, and checks them.
func (m *model) await(ctx context.Context, n *node, at spot, calls []*call) {
	way := waysToWait[n.way]
	switch {
	case m.mode == rings: // only what is the lane's own wait can be proved endless
		way = waysToWait[n.way%5]
	case at.lane != nil && !way.serves:
		way = waysToWait[n.way%6]
	}
	var futures []*bridge.Future[void]
	for _, c := range calls {
		futures = append(futures, c.future)
	}
	_ = way.wait(ctx, futures...)
	for _, c := range calls {
		m.check(ctx, c)
	}
}
