package bridge_test

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

// walk ranges over an iterator that runs the node's kids at each step.
func (m *model) walk(ctx context.Context, n *node, at spot) {
	l, b := m.lanes[n.lane], m.bridges[n.bridge]
	inside := spot{pool: b, host: at.host}
	aimed, where := bridge.Aim(ctx, b.ctx), bridge.Pooled()
	if n.way != 0 {
		inside = spot{lane: l}
		aimed, where = bridge.Aim(ctx, l.ctx), bridge.Sensitive()
	}
	var stepping atomic.Bool
	seq := func(ctx context.Context) iter.Seq[int] {
		return func(yield func(int) bool) {
			m.walks.Add(1)
			defer m.walks.Add(-1)
			thread := bridge.ThreadID()
			for stride := range modelStrides {
				if n.way != 0 && thread != bridge.ThreadID() {
					m.t.Error("a walk went on on another thread")
				}
				stepping.Store(true)
				inside.work(time.Millisecond)
				m.run(ctx, n.kids, inside)
				stepping.Store(false)
				if !yield(stride) {
					return
				}
			}
		}
	}
	strides := 0
	for stride, err := range bridge.Iterate(aimed, seq, where) {
		if err != nil {
			m.checkWalk(err, at.root && strides == 0)
			continue
		}
		if stride != strides || stepping.Load() {
			m.t.Errorf("stride %d came as %d", strides, stride)
		}
		strides++
		at.work(time.Millisecond)
		if n.never {
			break
		}
	}
}

func (m *model) checkWalk(err error, mayBeRefused bool) {
	known := []error{
		parley.ErrAppPanic, parley.ErrGoexit, context.DeadlineExceeded, context.Canceled,
		bridge.ErrLaneLost, bridge.ErrClosed,
	}
	if mayBeRefused {
		known = append(known, bridge.ErrQueueFull, bridge.ErrNoThread)
	}
	for _, target := range known {
		if errors.Is(err, target) {
			return
		}
	}
	m.t.Errorf("unexpected end of a walk: %v", err)
}
