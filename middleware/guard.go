package middleware

import (
	"context"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/wiring"
)

// guard acts on a decision: the app below runs, or the client is refused. It
// hands on ctx, scope and conn as they are, so that what is native stays native.
type guard struct {
	next       parley.App
	check      func(*parley.Scope) error
	passed     func(context.Context) // told of those that check lets pass; may be nil
	report     Reporter
	reportOnly bool
}

//parley:noescape
func (g *guard) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if !protocol.Requested(scope) {
		return g.next.Serve(ctx, scope, conn)
	}
	switch err := g.check(scope); {
	case err == nil && g.passed != nil:
		g.passed(ctx)
	case err == nil:
	case g.reportOnly:
		tell(ctx, scope, g.report, refusalOf(err))
	default:
		return Refuse(ctx, scope, conn, g.report, refusalOf(err))
	}
	return g.next.Serve(ctx, scope, conn)
}

// Check makes middleware of a decision of your own. An error that is not a
// *Refusal is answered with 403. report may be nil.
func Check(check func(*parley.Scope) error, report Reporter) parley.Middleware {
	wiring.Need("middleware: Check", "function", check)
	return func(next parley.App) parley.App {
		wiring.Need("middleware: Check", "app", next)
		return &guard{next: next, check: check, report: report}
	}
}
