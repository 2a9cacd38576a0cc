package bridge

import "context"

// position is what the bridge knows about a context: which bridge, which lane, inside which call.
// Every context the bridge makes is a position, so one look-up answers all three.
type position struct {
	context.Context
	bridge *Bridge
	target target // the lane entered last; nil: none
	job    *job   // the innermost call, which the context was handed to; nil: none
}

// target is something that lane calls can be aimed at: a lane, a scope whose lane is made at the
// first call, a key. lane is called with the bridge's mutex held.
type target interface {
	lane() (*Lane, error)
}

type positionKey struct{}

// Value makes position a context that knows itself.
func (p *position) Value(key any) any {
	if key == (positionKey{}) {
		return p
	}
	return p.Context.Value(key)
}

// positionOf returns the innermost position around ctx, or that of a context the bridge has not
// seen: no bridge, no lane, no call.
func positionOf(ctx context.Context) *position {
	p, _ := ctx.Value(positionKey{}).(*position)
	if p == nil {
		return &outside
	}
	return p
}

var outside position

// caller returns the call in which something is done with p. Where p was made by a step of a walk
// that is over, it is the step of now.
func (p *position) caller() *job { return p.job.now() }

// owner returns the bridge that calls at p run on.
func (p *position) owner() *Bridge {
	if p.bridge == nil {
		return Default()
	}
	return p.bridge
}

// With returns a context whose calls run on b, outside any lane. Adapters put a request's bridge
// there; calls whose context has none use [Default]. With panics if ctx is nil or b was not made
// by [New].
func With(ctx context.Context, b *Bridge) context.Context {
	mustContext(ctx)
	b.mustBeMade("With")
	p := positionOf(ctx)
	if p.bridge == b {
		return ctx
	}
	return &position{Context: ctx, bridge: b, job: p.job}
}

// From returns the bridge that calls with ctx run on.
func From(ctx context.Context) *Bridge {
	mustContext(ctx)
	return positionOf(ctx).owner()
}

func mustContext(ctx context.Context) {
	if ctx == nil {
		panic("bridge: nil context")
	}
}
