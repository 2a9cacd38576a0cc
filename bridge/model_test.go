package bridge_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

func TestModel(t *testing.T) {
	const seeds = 400
	for seed := range uint64(seeds) {
		random := rand.New(rand.NewPCG(seed, 1))
		data := make([]byte, 200)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		runModel(t, data)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzModel(f *testing.F) {
	f.Add([]byte{1, 3, 2, 1, 2, 0, 3, 1, 4, 5, 6})
	f.Fuzz(func(t *testing.T, data []byte) { runModel(t, data) })
}

// model runs a forest and keeps the accounts that the checks need.
type model struct {
	t        *testing.T
	root     context.Context
	lanes    [modelLanes]*modelLane
	capacity int
	exact    bool
	working  gauge
}

type modelLane struct {
	ctx     context.Context
	end     func() error
	thread  atomic.Uint64
	working gauge
}

func runModel(t *testing.T, data []byte) {
	p := &planner{data: data, exact: true}
	p.calm = p.draw(2) == 0
	capacity := 1 + p.draw(3)
	forest := make([][]*node, 1+p.draw(3))
	for i := range forest {
		forest[i] = p.body(branch{alone: true})
	}
	ignore := func(error) {}
	bubble(t, bridge.Options{Capacity: capacity, Unobserved: ignore}, func(
		t *testing.T, ctx context.Context, b *bridge.Bridge,
	) {
		m := &model{t: t, root: ctx, capacity: capacity, exact: p.exact}
		for i := range m.lanes {
			l := &modelLane{}
			l.ctx, l.end = bridge.NewScope(ctx)
			m.lanes[i] = l
		}
		var roots sync.WaitGroup
		for _, nodes := range forest {
			roots.Go(func() { m.run(ctx, nodes, nowhere) })
		}
		roots.Wait()
		time.Sleep(time.Second) // of the bubble: late goroutines and forgotten calls get on
		for _, l := range m.lanes {
			wantErr(t, l.end(), nil)
		}
		wantErr(t, b.Close(context.Background()), nil)
		time.Sleep(time.Hour) // what is left is late goroutines, whose calls fail at once
		if m.exact && m.working.peak.Load() > int64(capacity) {
			t.Errorf("%d functions worked at once, capacity is %d", m.working.peak.Load(), capacity)
		}
		for i, l := range m.lanes {
			if l.working.peak.Load() > 1 {
				t.Errorf("lane %d ran %d jobs at once", i, l.working.peak.Load())
			}
		}
	})
}

// Where a piece of a function's work runs: on a lane, on the pool, or where it counts for neither.
const (
	nowhere = -1
	onPool  = -2
)

func (m *model) run(ctx context.Context, nodes []*node, where int) {
	for _, n := range nodes {
		m.step(ctx, n, where)
	}
}

func (m *model) step(ctx context.Context, n *node, where int) {
	switch n.op {
	case opWork:
		m.work(n.wait, where)
	case opPool:
		m.check(ctx, m.pooled(ctx, n))
	case opLane:
		m.check(ctx, m.onLane(ctx, n, nil))
	case opLeave:
		m.leave(ctx, n, where)
	case opFan:
		for _, c := range []*call{m.pooled(ctx, n), m.pooled(ctx, n), m.pooled(ctx, n)} {
			m.check(ctx, c)
		}
	case opQueue:
		m.queue(ctx, n)
	case opLimit:
		ctx, cancel := context.WithTimeout(ctx, n.wait)
		defer cancel()
		m.run(ctx, n.kids, where)
	case opForget:
		m.pooled(ctx, n)
	case opPanic:
		panic("model")
	case opExit:
		runtime.Goexit()
	case opLate:
		go func() { time.Sleep(n.wait); m.run(ctx, n.kids, nowhere) }()
	case opRace:
		for range bridge.AsCompleted(ctx, m.pooled(ctx, n).future, m.pooled(ctx, n).future, m.pooled(ctx, n).future) {
			m.work(n.wait, where)
		}
	case opDesert:
		c := m.pooled(ctx, n)
		short, cancel := context.WithTimeout(m.root, n.wait)
		defer cancel()
		_, _ = c.future.Await(short)
	case opAbandon:
		short, cancel := context.WithTimeout(ctx, n.wait)
		defer cancel()
		_, _ = m.pooled(short, n, bridge.Abandon()).future.Await(short)
	}
}

func (m *model) work(d time.Duration, where int) {
	at := &gauge{}
	switch {
	case where == onPool:
		at = &m.working
	case where >= 0:
		at = &m.lanes[where].working
	}
	at.enter()
	time.Sleep(d)
	at.leave()
}

// call is one call of the model, and how often its function ran.
type call struct {
	future *bridge.Future[int]
	runs   atomic.Int64
}

var errBody = errors.New("what the function returns")

func (m *model) start(ctx context.Context, body func(ctx context.Context), options ...bridge.Option) *call {
	c := &call{}
	c.future = bridge.SyncToAsync0(func(ctx context.Context) (int, error) {
		if c.runs.Add(1) > 1 {
			m.t.Error("a function ran twice")
		}
		body(ctx)
		return 1, errBody
	}, options...)(ctx)
	return c
}

func (m *model) pooled(ctx context.Context, n *node, options ...bridge.Option) *call {
	return m.start(ctx, func(ctx context.Context) {
		m.work(time.Millisecond, onPool)
		m.run(ctx, n.kids, onPool)
	}, append(options, bridge.Pooled())...)
}

// onLane aims at the lane's scope by the context if that belongs to it, and by the scope's
// otherwise.
func (m *model) onLane(ctx context.Context, n *node, began func()) *call {
	l := m.lanes[n.lane]
	return m.start(m.aim(ctx, l), func(ctx context.Context) {
		if began != nil {
			began()
		}
		id := bridge.ThreadID()
		if first := l.thread.Load(); first != 0 && first != id {
			m.t.Errorf("a job of lane %d ran on another thread", n.lane)
		}
		l.thread.Store(id)
		m.work(time.Millisecond, n.lane)
		m.run(ctx, n.kids, n.lane)
	}, bridge.Sensitive())
}

// aim gives ctx the lane of l's scope and leaves its line of descent alone.
func (m *model) aim(ctx context.Context, l *modelLane) context.Context {
	return bridge.Aim(ctx, l.ctx)
}

func (m *model) leave(ctx context.Context, n *node, where int) {
	inside := where
	if where >= 0 {
		inside = nowhere
	}
	err := leave(ctx, func(ctx context.Context) { m.run(ctx, n.kids, inside) })
	if p := (*parley.PanicError)(nil); err != nil && !errors.As(err, &p) && !errors.Is(err, parley.ErrGoexit) {
		m.t.Errorf("leave call: %v", err)
	}
}

// queue starts several calls on one lane. They must begin in this order.
func (m *model) queue(ctx context.Context, n *node) {
	var calls []*call
	var last atomic.Int64
	for i := range int64(3) {
		calls = append(calls, m.onLane(ctx, n, func() {
			if last.Swap(i+1) > i {
				m.t.Errorf("lane %d: a call overtook an earlier one", n.lane)
			}
		}))
	}
	for _, c := range calls {
		m.check(ctx, c)
	}
}

// check awaits a call and holds its end against whether its function ran.
func (m *model) check(ctx context.Context, c *call) {
	_, err := c.future.Await(ctx)
	ran := c.runs.Load() == 1
	p := (*parley.PanicError)(nil)
	switch {
	case errors.Is(err, errBody), errors.As(err, &p), errors.Is(err, parley.ErrGoexit):
		if !ran {
			m.t.Errorf("result %v of a function that did not run", err)
		}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, bridge.ErrLaneLost), errors.Is(err, bridge.ErrClosed),
		errors.Is(err, bridge.ErrDeadlock):
		if ran {
			m.t.Errorf("the function ran, but its result was lost: %v", err)
		}
	default:
		m.t.Errorf("unexpected end of a call: %v", err)
	}
}
