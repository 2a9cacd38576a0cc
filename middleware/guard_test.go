package middleware_test

import (
	"context"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
)

// TestGuardsAreOne: middleware that leaves a conversation alone costs the app below one
// call, however many there are of it.
func TestGuardsAreOne(t *testing.T) {
	depth := func(list ...parley.Middleware) (depth int) {
		app := parley.AppFunc(func(_ context.Context, _ *parley.Scope, _ parley.Conn) error {
			depth = runtime.Callers(0, make([]uintptr, 100))
			return nil
		})
		scope := &parley.Scope{Protocol: parley.HTTP, Request: httptest.NewRequest("GET", "/", nil)}
		if err := parley.Chain(app, list...).Serve(t.Context(), scope, nil); err != nil {
			t.Error(err)
		}
		return depth
	}
	all := []parley.Middleware{
		middleware.NewTrustedProxies(middleware.ProxiesOptions{Trust: []string{"10.0.0.0/8"}}).Wrap,
		middleware.NewHosts(middleware.HostsOptions{Allow: []string{"example.com"}}).Wrap,
		middleware.NewOrigin(middleware.OriginOptions{CheckReads: true}).Wrap,
		middleware.NewRateLimit(middleware.RateLimitOptions{Bytes: middleware.Rate{PerSecond: 1}}).Wrap,
		middleware.NewBodyLimit(middleware.BodyLimitOptions{}).Wrap,
		middleware.MessageLimit(1),
		middleware.Check(func(*parley.Scope) error { return nil }, nil),
	}
	if one, many := depth(all[0]), depth(all...); one != many {
		t.Errorf("%d frames below one guard, and %d below %d", one, many, len(all))
	}
}

// TestGuardsInOrder: a guard that acts hands on to those behind it, each of which is
// asked once.
func TestGuardsInOrder(t *testing.T) {
	for _, protocol := range []parley.Protocol{parley.HTTP, parley.WebSocket, parley.Channel} {
		var asked []string
		check := func(name string) parley.Middleware {
			return middleware.Check(func(*parley.Scope) error {
				asked = append(asked, name)
				return nil
			}, nil)
		}
		app := parley.AppFunc(func(_ context.Context, _ *parley.Scope, conn parley.Conn) error {
			asked = append(asked, "app")
			if _, bare := conn.(nobody); bare != (protocol == parley.Channel) {
				t.Errorf("%s: the app's conn is a %T", protocol, conn)
			}
			return nil
		})
		scope := &parley.Scope{Protocol: protocol, Request: httptest.NewRequest("POST", "/", nil)}
		scope.Request.ContentLength = -1
		guards := parley.Chain(app, check("a"), middleware.MessageLimit(1), check("b"),
			middleware.NewBodyLimit(middleware.BodyLimitOptions{}).Wrap, check("c"))
		if err := guards.Serve(t.Context(), scope, nobody{}); err != nil {
			t.Error(err)
		}
		want := []string{"a", "b", "c", "app"}
		if protocol == parley.Channel {
			want = want[3:]
		}
		if !slices.Equal(asked, want) {
			t.Errorf("%s: asked %q, want %q", protocol, asked, want)
		}
	}
}

// nobody is a conn at whose other end there is no one.
type nobody struct{}

func (nobody) Receive(ctx context.Context) (parley.Event, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func (nobody) Send(context.Context, parley.Event) error { return parley.ErrDisconnected }
