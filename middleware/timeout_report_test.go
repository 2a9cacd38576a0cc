package middleware_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
	"github.com/parleygo/parley/router"
)

// TestTimeoutReportAsksTheScope: a router below writes to the scope and its request while
// Report asks for what is in them.
func TestTimeoutReportAsksTheScope(t *testing.T) {
	for _, inScope := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			limit := middleware.Timeout(time.Second, middleware.TimeoutOptions{
				Report: func(_ context.Context, scope *parley.Scope, _ *middleware.Refusal) {
					if got := scope.PathValue("id") + scope.Request.Pattern; got != "" {
						t.Errorf("reported %q", got)
					}
				},
			})
			routes := &router.URLs{ScopeValues: inScope}
			routes.Handle("/{id}", parley.AppFunc(
				func(ctx context.Context, _ *parley.Scope, _ parley.Conn) error {
					<-ctx.Done()
					return ctx.Err()
				}))
			if got := parleytest.Start(t, limit(routes), get("/7")).Response(); got.Status != 503 {
				t.Errorf("%d, %v", got.Status, got.Err)
			}
		})
	}
}
