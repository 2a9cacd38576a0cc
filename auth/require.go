package auth

import (
	"context"
	"errors"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/wiring"
	"github.com/parleygo/parley/middleware"
)

// RequireOptions configure Require.
type RequireOptions struct {
	// Allow, if set, decides whether the user may come in; its error is
	// answered with 403 and not shown to the client. It is asked with a ctx in
	// which User knows somebody.
	Allow func(ctx context.Context, scope *parley.Scope) error

	// Report is told of refusals. nil is silent.
	Report middleware.Reporter
}

// Require keeps out who is not logged in, with 401, and who may not come in, with
// 403. Handshakes are denied by the same statuses. Middleware has to stand above.
func Require(options RequireOptions) parley.Middleware {
	return func(next parley.App) parley.App {
		wiring.Need("auth: Require", "app", next)
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			if !protocol.Requested(scope) {
				return next.Serve(ctx, scope, conn)
			}
			err := options.check(ctx, scope)
			var refusal *middleware.Refusal
			switch {
			case err == nil:
				return next.Serve(ctx, scope, conn)
			case errors.As(err, &refusal):
				return middleware.Refuse(ctx, scope, conn, options.Report, refusal)
			}
			return err
		})
	}
}

func (o *RequireOptions) check(ctx context.Context, scope *parley.Scope) error {
	if _, err := IdentityFrom(ctx); err != nil {
		if errors.Is(err, ErrAnonymous) {
			return visitorOf(ctx).guard.anonymous()
		}
		return err
	}
	if o.Allow == nil {
		return nil
	}
	if err := o.Allow(ctx, scope); err != nil {
		return &middleware.Refusal{
			By: "require", Reason: "not-allowed", Status: http.StatusForbidden,
			Detail: err.Error(), Err: err,
		}
	}
	return nil
}
