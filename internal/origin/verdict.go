package origin

import (
	"context"
	"sync/atomic"
)

// Verdict is the question of a handshake from a foreign page on its way through the
// apps: a server that would refuse it lets it pass as far as to one that decides.
type Verdict struct{ allowed atomic.Bool }

// Allowed reports whether somebody has let the page in.
func (v *Verdict) Allowed() bool { return v.allowed.Load() }

type verdictKey struct{}

// With returns a context that carries v.
func (v *Verdict) With(ctx context.Context) context.Context {
	return context.WithValue(ctx, verdictKey{}, v)
}

// Pending reports whether ctx carries a question that nobody has answered.
func Pending(ctx context.Context) bool {
	v, ok := ctx.Value(verdictKey{}).(*Verdict)
	return ok && !v.Allowed()
}

// Allow answers the question that ctx carries, if it does: the page may come in.
func Allow(ctx context.Context) {
	if v, ok := ctx.Value(verdictKey{}).(*Verdict); ok {
		v.allowed.Store(true)
	}
}
