// Package drain gathers what a process has to end in order when it goes: gateways
// mounted in whatever router, sessions without a socket. They find the group in
// the contexts of their requests, so that nobody has to list them.
package drain

import (
	"context"
	"errors"
	"maps"
	"sync"
)

// Member is something that can end its conversations in order. Drain asks all of
// them to end, returns when they have, and cuts what is left when ctx ends, whose
// cause it returns then. It may be called more than once.
type Member interface {
	Drain(ctx context.Context) error
}

// SessionCounter is a Member that has sessions without a socket.
type SessionCounter interface{ Sessions() Sessions }

// Sessions counts them: how many there are, and since the Member was made.
type Sessions struct {
	Live                        int
	Opened, Refused, Lost, Slow uint64
	Panics, Leaked              uint64 // apps that did not return, and that did not end with theirs
	In, Out                     uint64 // messages
	Drained                     Count
}

// Count is how conversations ended in a drain: by themselves, told to end and in order,
// or cut, as those are, or will be, that are there still.
type Count struct{ Finished, Closed, Cut int }

// Group is the members of one process. The zero value is empty.
type Group struct {
	mu       sync.Mutex
	members  map[any]Member  // by what they are members for
	draining context.Context // once Drain was called
	work     sync.WaitGroup
	failures []error
	asking   asking
}

// Join adds the member of a gateway, or whatever who is, once. One that comes while
// the group drains is drained at once.
func (g *Group) Join(who any, m Member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, already := g.members[who]; already {
		return
	}
	if g.members == nil {
		g.members = make(map[any]Member)
	}
	g.members[who] = m
	if g.draining != nil {
		g.drain(m)
	}
}

// Drain drains all members, side by side, and returns when they have ended, with
// what went wrong. It is called once.
func (g *Group) Drain(ctx context.Context) error {
	g.mu.Lock()
	g.draining = ctx
	for _, m := range g.members {
		g.drain(m)
	}
	g.mu.Unlock()
	g.work.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	return errors.Join(g.failures...)
}

// Members returns the members, by what they are members for.
func (g *Group) Members() map[any]Member {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.members)
}

// drain begins to drain a member. The caller holds mu.
func (g *Group) drain(m Member) {
	ctx := g.draining
	g.work.Go(func() {
		if err := m.Drain(ctx); err != nil {
			g.mu.Lock()
			g.failures = append(g.failures, err)
			g.mu.Unlock()
		}
	})
}

type key struct{}

// With returns a context that carries the group.
func With(ctx context.Context, g *Group) context.Context { return context.WithValue(ctx, key{}, g) }

// From returns the group of ctx, or nil.
func From(ctx context.Context) *Group {
	g, _ := ctx.Value(key{}).(*Group)
	return g
}
