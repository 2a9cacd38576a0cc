package nethttp_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

type numberKey struct{}

// TestContextsKeepTheirValues: whoever keeps a context finds in it what its own
// request had, for ever, and never those of another.
func TestContextsKeepTheirValues(t *testing.T) {
	type kept struct {
		ctx  context.Context
		want string
	}
	keep := make(chan kept, 64)
	keeping := func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			want := scope.Request.Context().Value(numberKey{}).(string)
			keep <- kept{ctx, want}
			keep <- kept{context.WithoutCancel(ctx), want}
			keep <- kept{context.WithValue(ctx, contextKey("user"), want), want}
			return next.Serve(ctx, scope, conn)
		})
	}
	quiet := nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	gateways := []*nethttp.Gateway{
		gateway(keeping(quiet)),
		gateway(parley.Chain(quiet, valued("user", "ada"), keeping)),
		gateway(parley.Chain(quiet, nethttp.Middleware(through), keeping)),
		gateway(keeping(answerOnly)),
	}
	var readers, writers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			var held []kept
			for k := range keep {
				if held = append(held, k); len(held) > 200 {
					held = held[1:]
				}
				for _, k := range held[max(0, len(held)-20):] {
					if got := k.ctx.Value(numberKey{}); got != k.want {
						t.Errorf("the context of %s has the value of %v", k.want, got)
					}
					select {
					case <-k.ctx.Done():
					default:
					}
					_, _ = k.ctx.Err(), context.Cause(k.ctx)
				}
			}
		})
	}
	for worker := range 4 {
		writers.Go(func() {
			for i := range 500 {
				number := fmt.Sprint(worker, "/", i)
				ctx, cancel := context.WithCancel(context.WithValue(t.Context(), numberKey{}, number))
				r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
				gateways[i%len(gateways)].ServeHTTP(httptest.NewRecorder(), r)
				cancel()
			}
		})
	}
	writers.Wait()
	close(keep)
	readers.Wait()
}

// TestContextsEnd: what was kept is over when the conversation is.
func TestContextsEnd(t *testing.T) {
	for name, app := range map[string]parley.App{"handler": nethttp.App(http.NotFoundHandler()),
		"events": answerOnly} {
		var kept context.Context
		g := gateway(parley.AppFunc(func(
			ctx context.Context, scope *parley.Scope, conn parley.Conn,
		) error {
			kept = ctx
			return app.Serve(ctx, scope, conn)
		}))
		g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		if kept.Err() != context.Canceled || context.Cause(kept) != parley.ErrFinished {
			t.Errorf("%s: %v, cause %v", name, kept.Err(), context.Cause(kept))
		}
		if g.Stats().Live != 0 {
			t.Errorf("%s: a drain would wait for it", name)
		}
	}
}
