package consumer

import (
	"context"
	"errors"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
)

// Blocking says whether hooks and handlers block the thread they run on, as
// many C libraries do, and where they run then.
type Blocking uint8

const (
	// NotBlocking is the default: they run on goroutines.
	NotBlocking Blocking = iota

	// BlockingPool runs them on the pool of the bridge that belongs to the
	// context (see bridge.With), which bounds the number of threads.
	BlockingPool

	// BlockingThread runs all of one connection on one thread, which it keeps
	// until it ends: for libraries that are bound to a thread. Where the
	// context belongs to a thread already, that one is shared. The bridge's
	// Options.MaxLanes bounds how many there are.
	BlockingThread
)

// enter makes the context whose calls run where they ought to, and what gives
// their thread back.
func (b Blocking) enter(ctx context.Context) (context.Context, func() error) {
	if b == BlockingThread {
		return bridge.ThreadSensitive(ctx)
	}
	return ctx, nil
}

type hookFunc func(context.Context) error

func runHook(ctx context.Context, hook hookFunc) (struct{}, error) { return struct{}{}, hook(ctx) }

var (
	onPool   = bridge.SyncToAsync(runHook, bridge.Pooled())
	onThread = bridge.SyncToAsync(runHook, bridge.Sensitive())
)

// run runs a hook and waits for it. The call itself outlives ctx: what runs on a
// goroutine whose context has ended runs here too, and finds its context ended. A
// hook that panics on another goroutine panics here, with its own stack.
func (b Blocking) run(ctx context.Context, hook hookFunc) error {
	if b == NotBlocking {
		return hook(ctx)
	}
	return b.call(ctx, hook)
}

func (b Blocking) call(ctx context.Context, hook hookFunc) error {
	call := onPool
	if b == BlockingThread {
		call = onThread
	}
	lasting := context.WithoutCancel(ctx)
	_, err := call(lasting, func(place context.Context) error {
		return hook(&placed{place: place, Context: ctx})
	}).Await(lasting)
	var p *parley.PanicError
	if errors.As(err, &p) {
		panic(&handlerPanic{p.Value, p.Stack})
	}
	return err
}

// placed is a context that ends as another does and knows where on the bridge it
// is.
type placed struct {
	context.Context
	place context.Context
}

// Value asks the bridge's context first.
func (p *placed) Value(key any) any {
	if value := p.place.Value(key); value != nil {
		return value
	}
	return p.Context.Value(key)
}
