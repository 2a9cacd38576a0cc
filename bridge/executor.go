package bridge

import (
	"context"
	"errors"
	"fmt"

	"github.com/parleygo/parley"
)

// Executor runs the calls of many clients on a bridge. What has clients, such as a consumer, takes
// one and need not know whether a client's calls run on the pool or on a thread of the client's
// own. Make one with [OnPool] or [OnThread]. Its methods may be called from any goroutine.
type Executor struct {
	bridge *Bridge
	thread bool
}

// OnPool returns an [Executor] whose calls run on the pool of b, on any thread and side by side.
// A nil b means the bridge of each call's context, or else the default one.
func OnPool(b *Bridge) Executor { return Executor{bridge: b} }

// OnThread returns an [Executor] that gives each client one thread of b, as [ThreadSensitive] does,
// from its first call on. A nil b means the bridge of each call's context, or else the default one.
// Past Options.MaxLanes a client waits for a thread; with Options.RefuseLanes it is refused.
func OnThread(b *Bridge) Executor { return Executor{bridge: b, thread: true} }

// Begin opens what the calls of one client share. The client's calls are made with inner; end gives
// back what Begin opened and waits until it is gone. Where ctx belongs to a lane already, that lane
// is shared.
func (e Executor) Begin(ctx context.Context) (inner context.Context, end func() error) {
	inner = e.on(ctx)
	if e.thread {
		return ThreadSensitive(inner)
	}
	return inner, func() error { return nil }
}

// Run calls f on the bridge and returns what f returned, once f has returned. A panic of f comes
// back as a [parley.PanicError]. ctx is one that [Executor.Begin] made, or descends from it.
//
// The end of ctx does not keep f from running: f finds its context ended, as it would on a
// goroutine. So clean-up runs too. If the bridge refuses the call, f does not run, and the error
// matches [parley.ErrOverloaded].
func (e Executor) Run(ctx context.Context, f func(context.Context) error) error {
	if f == nil {
		panic("bridge: Executor.Run: nil function")
	}
	call := pooledStep
	if e.thread {
		call = threadStep
	}
	ctx = e.on(ctx)
	s := &step{ctx: ctx, f: f}
	endless := context.WithoutCancel(ctx)
	_, err := call(endless, s).awaitWhole(endless)
	if refused(err) && !s.began {
		return fmt.Errorf("%w: %w", parley.ErrOverloaded, err)
	}
	return err
}

func refused(err error) bool {
	return errors.Is(err, ErrQueueFull) || errors.Is(err, ErrClosed) || errors.Is(err, ErrLaneLost)
}

func (e Executor) on(ctx context.Context) context.Context {
	mustContext(ctx)
	if e.bridge == nil {
		return ctx
	}
	return With(ctx, e.bridge)
}

// step is one call of an executor.
type step struct {
	ctx   context.Context
	f     func(context.Context) error
	began bool
}

var (
	pooledStep = SyncToAsync(runStep, Pooled())
	threadStep = SyncToAsync(runStep, Sensitive())
)

func runStep(ctx context.Context, s *step) (struct{}, error) {
	s.began = true
	return struct{}{}, s.f(&lasting{Context: s.ctx, position: positionOf(ctx)})
}

// lasting is the context of a call that its caller's context does not withdraw. It ends as the
// caller's does, and knows its position on the bridge.
type lasting struct {
	context.Context
	position *position
}

// Value makes the call known to the bridge.
func (l *lasting) Value(key any) any {
	if key == (positionKey{}) {
		return l.position
	}
	return l.Context.Value(key)
}
