package middleware

import (
	"context"
	"errors"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/wiring"
)

// guards are middleware that leaves most conversations alone, one behind the other, the
// outermost first. They are one app, so that a conversation with which none of them has
// anything to do passes them by one call, and hand on ctx, scope and conn as they are:
// what is native stays native.
type guards struct {
	list []guard
	next parley.App // behind the last
}

// guard is one of them.
type guard struct {
	// Check returns nil for a conversation that passes and of which nobody is told, and
	// errInvolved, or why it is refused, for one that act is called for.
	decider

	act  actor
	next parley.App // behind this guard
}

type decider interface {
	Check(scope *parley.Scope) error
}

// actor serves a conversation with which a guard has something to do.
type actor func(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, next parley.App, why error,
) error

var errInvolved = errors.New("middleware: there is something to do")

// guarded puts a guard in front of next.
func guarded(next parley.App, check decider, act actor) parley.App {
	g := &guards{[]guard{{check, act, next}}, next}
	if behind, ok := next.(*guards); ok {
		g.list, g.next = append(g.list, behind.list...), behind.next
	}
	return g
}

//parley:noescape
func (g *guards) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	for i := range g.list {
		if why := g.list[i].Check(scope); why != nil {
			return g.list[i].act(ctx, scope, conn, g.list[i].next, why)
		}
	}
	return g.next.Serve(ctx, scope, conn)
}

// refusing answers what a guard does not let pass.
func refusing(report Reporter) actor {
	return func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn, _ parley.App, why error,
	) error {
		return Refuse(ctx, scope, conn, report, refusalOf(why))
	}
}

// Check makes middleware of a decision of your own. An error that is not a
// *Refusal is answered with 403. report may be nil.
func Check(check func(*parley.Scope) error, report Reporter) parley.Middleware {
	wiring.Need("middleware: Check", "function", check)
	return func(next parley.App) parley.App {
		wiring.Need("middleware: Check", "app", next)
		return guarded(next, requestCheck(check), refusing(report))
	}
}

// requestCheck asks a function about conversations that began with a request.
type requestCheck func(*parley.Scope) error

// Check implements decider.
func (check requestCheck) Check(scope *parley.Scope) error {
	if !protocol.Requested(scope) {
		return nil
	}
	return check(scope)
}
