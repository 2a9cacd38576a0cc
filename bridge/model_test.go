package bridge_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

// TestModel runs a fixed number of forests, or as many as BRIDGE_MODEL_SEARCH (a duration) allows,
// from seeds nobody has tried.
func TestModel(t *testing.T) {
	const seeds = 300
	for seed := range uint64(seeds) {
		if !runSeed(t, 1, seed) {
			return
		}
	}
	search, err := time.ParseDuration(os.Getenv("BRIDGE_MODEL_SEARCH"))
	if err != nil {
		return
	}
	begin, stream := time.Now(), rand.Uint64()
	forests := uint64(0)
	for ; time.Since(begin) < search; forests++ {
		if !runSeed(t, stream, forests) {
			return
		}
	}
	t.Logf("%d forests in %v", forests, time.Since(begin))
}

func runSeed(t *testing.T, stream, seed uint64) bool {
	random := rand.New(rand.NewPCG(seed, stream))
	data := make([]byte, 300)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	done := false
	defer func() { // a bubble that hangs panics, one that fails exits
		if !done {
			t.Errorf("stream %d, seed %d", stream, seed)
		}
	}()
	runModel(t, data)
	done = !t.Failed()
	return done
}

// awkward are forests that have failed, some of them only now and then.
var awkward = []string{
	"+B8CCZCCC..C7CCBAC'C8%$(CC&C(CCC120)", // a call ends while its caller puts its token down
}

func TestAwkwardForests(t *testing.T) {
	for _, data := range awkward {
		for range 100 {
			runModel(t, []byte(data))
		}
	}
}

func FuzzModel(f *testing.F) {
	f.Add([]byte{1, 3, 2, 1, 2, 0, 3, 1, 4, 5, 6})
	for _, data := range awkward {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) { runModel(t, data) })
}

// model runs a forest and keeps the accounts that the checks need.
type model struct {
	t       *testing.T
	mode    mode
	root    context.Context
	bridges []*modelBridge
	lanes   []*modelLane // of all bridges
	walks   atomic.Int64 // iterators that have begun and not cleaned up
}

type modelBridge struct {
	*bridge.Bridge
	ctx     context.Context
	working gauge // functions at work in the pool
}

type modelLane struct {
	ctx     context.Context
	end     func() error
	keyed   bool
	thread  atomic.Uint64
	working gauge
}

func runModel(t *testing.T, data []byte) {
	p := &planner{data: data}
	p.mode = mode(p.draw(int(modeCount)))
	p.bridges = 1 + p.draw(2)
	p.exact = p.bridges == 1 // who waits for a call of another bridge is not told at once
	options := p.options()
	keyed := options.MaxLanes > 0 && !options.RefuseLanes
	forest := make([][]*node, 1+p.draw(3))
	for i := range forest {
		forest[i] = p.body(branch{times: 1, alone: true})
	}
	bubble(t, options, func(t *testing.T, ctx context.Context, b *bridge.Bridge) {
		m := &model{t: t, mode: p.mode, root: ctx}
		m.add(b, keyed)
		if p.bridges == 2 {
			options.Engine = bridge.Goroutines{}
			other, err := bridge.New(options)
			wantErr(t, err, nil)
			m.add(other, keyed)
		}
		m.grow(forest)
		if p.exact {
			for i, b := range m.bridges {
				if peak := b.working.peak.Load(); peak > int64(options.Capacity) {
					t.Errorf("bridge %d: %d functions at work, capacity %d", i, peak, options.Capacity)
				}
			}
		}
		for i, l := range m.lanes {
			if l.working.peak.Load() > 1 {
				t.Errorf("lane %d ran %d jobs at once", i, l.working.peak.Load())
			}
		}
	})
}

// options draws the options of the forest's bridges.
func (p *planner) options() bridge.Options {
	o := bridge.Options{Capacity: 1 + p.draw(3), Unobserved: func(error) {}}
	switch p.draw(3) {
	case 1:
		o.QueueLimit = 2
	case 2:
		o.QueueLimit, o.QueueWait = 2, true
	}
	switch p.draw(3) {
	case 1: // keyed lanes that yield to each other
		o.MaxLanes, o.KeyIdle = 2, 3*time.Millisecond
	case 2:
		o.MaxLanes, o.RefuseLanes = 2, true
	}
	return o
}

// add makes b and its lanes part of the model.
func (m *model) add(b *bridge.Bridge, keyed bool) {
	ctx := bridge.With(context.Background(), b)
	m.bridges = append(m.bridges, &modelBridge{Bridge: b, ctx: ctx})
	for i := range modelLanes {
		l := &modelLane{keyed: keyed, end: func() error { return nil }}
		if keyed {
			l.ctx = bridge.Keyed(ctx, i)
		} else {
			l.ctx, l.end = bridge.NewScope(ctx)
		}
		m.lanes = append(m.lanes, l)
	}
}

// grow runs the forest until nothing of it is left.
func (m *model) grow(forest [][]*node) {
	var roots sync.WaitGroup
	for _, nodes := range forest {
		roots.Go(func() { m.run(m.root, nodes, spot{root: true}) })
	}
	roots.Wait()
	time.Sleep(time.Second) // of the bubble: late goroutines and forgotten calls get on
	for _, l := range m.lanes {
		wantErr(m.t, l.end(), nil)
	}
	for _, b := range m.bridges {
		wantErr(m.t, b.Close(context.Background()), nil)
		settled(m.t, b.Bridge)
	}
	wantEqual(m.t, "iterators that have not cleaned up", m.walks.Load(), 0)
	time.Sleep(time.Hour) // what is left is late goroutines, whose calls fail at once
}

// call is one call of the model, and how often its function ran.
type call struct {
	future  *bridge.Future[void] // nil: err is how it ended
	err     error
	runs    atomic.Int64
	working atomic.Bool
	root    bool // made below no function that runs for sure
}

var errBody = errors.New("what the function returns")

func (m *model) start(
	ctx context.Context, at spot, whole bool, body func(ctx context.Context),
	options ...bridge.Option,
) *call {
	c := &call{root: at.root}
	f := func(ctx context.Context) error {
		if c.runs.Add(1) > 1 {
			m.t.Error("a function ran twice")
		}
		if end, ok := ctx.Deadline(); ok && time.Now().After(end) {
			m.t.Error("a function began after its context's end")
		}
		c.working.Store(true)
		defer c.working.Store(false)
		body(ctx)
		return errBody
	}
	if whole {
		defer m.checkLeft(c) // also while the goroutine exits
		c.err = bridge.Do(ctx, f, options...)
	} else {
		c.future = bridge.SyncToAsyncErr0(f, options...)(ctx).Future()
	}
	return c
}

func (m *model) checkLeft(c *call) {
	if c.working.Load() {
		m.t.Error("a function went on behind its caller's back")
	}
}

// check awaits a call and holds its end against whether its function ran.
func (m *model) check(ctx context.Context, c *call) {
	err := c.err
	if c.future != nil {
		_, err = c.future.Await(ctx)
	}
	is := func(targets ...error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
	ran := c.runs.Load() == 1
	switch {
	case is(errBody, parley.ErrAppPanic, parley.ErrGoexit):
		if !ran {
			m.t.Errorf("result %v of a function that did not run", err)
		}
		return
	case is(context.DeadlineExceeded, context.Canceled, bridge.ErrLaneLost, bridge.ErrClosed):
	case is(bridge.ErrDeadlock) && m.mode == rings:
	case is(bridge.ErrQueueFull, bridge.ErrNoThread) && c.root:
	default:
		m.t.Errorf("unexpected end of a call: %v", err)
	}
	if ran {
		m.t.Errorf("the function ran, but its result was lost: %v", err)
	}
}
