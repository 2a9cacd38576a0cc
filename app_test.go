package parley_test

import (
	"context"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/parleygo/parley"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestChain(t *testing.T) {
	var order []string
	note := func(name string) parley.Middleware {
		return func(next parley.App) parley.App {
			return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
				order = append(order, name)
				return next.Serve(ctx, scope, conn)
			})
		}
	}
	app := parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error {
		order = append(order, "app")
		return parley.ErrNotFound
	})
	chain := parley.Chain(app, note("outer"), note("inner"))
	if err := chain.Serve(t.Context(), &parley.Scope{}, nil); err != parley.ErrNotFound {
		t.Errorf("got %v", err)
	}
	if want := []string{"outer", "inner", "app"}; !slices.Equal(order, want) {
		t.Errorf("order %q", order)
	}
}

func TestChainOfNothing(t *testing.T) {
	app := parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error { return parley.ErrNotFound })
	if err := parley.Chain(app).Serve(t.Context(), nil, nil); err != parley.ErrNotFound {
		t.Errorf("got %v", err)
	}
}

func TestWiringMistakes(t *testing.T) {
	app := parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error { return nil })
	same := func(next parley.App) parley.App { return next }
	for _, test := range []struct {
		mistake, want string
		make          func()
	}{
		{"no app", "parley: Chain of a nil app", func() { parley.Chain(nil, same) }},
		{"no function", "parley: Chain of a nil app", func() { parley.Chain(parley.AppFunc(nil)) }},
		{"no socket", "parley: WebSocketFunc of a nil function", func() { parley.WebSocketFunc(nil) }},
		{"no middleware", "parley: Chain: middleware 1 is nil", func() { parley.Chain(app, same, nil) }},
		{"middleware makes nothing", "parley: Chain: middleware 0 returned a nil app", func() {
			parley.Chain(app, func(parley.App) parley.App { return nil })
		}},
	} {
		t.Run(test.mistake, func(t *testing.T) {
			defer func() {
				if got := recover(); got != test.want {
					t.Errorf("it panics with %v, want %q", got, test.want)
				}
			}()
			test.make()
		})
	}
}

// TestEventTypes holds the names to ASGI's.
func TestEventTypes(t *testing.T) {
	for want, event := range map[string]parley.Event{
		"http.request":                  parley.HTTPRequest{},
		"http.disconnect":               parley.HTTPDisconnect{},
		"http.response.start":           parley.HTTPResponseStart{},
		"http.response.body":            parley.HTTPResponseBody{},
		"http.response.trailers":        parley.HTTPResponseTrailers{},
		"http.response.early_hint":      parley.HTTPResponseEarlyHint{},
		"http.response.zerocopysend":    parley.HTTPResponseZeroCopySend{},
		"http.response.pathsend":        parley.HTTPResponsePathSend{},
		"http.response.debug":           parley.HTTPResponseDebug{},
		"websocket.connect":             parley.WebSocketConnect{},
		"websocket.receive":             parley.WebSocketReceive{},
		"websocket.disconnect":          parley.WebSocketDisconnect{},
		"websocket.accept":              parley.WebSocketAccept{},
		"websocket.send":                parley.WebSocketSend{},
		"websocket.close":               parley.WebSocketClose{},
		"websocket.http.response":       parley.WebSocketDeny{},
		"websocket.http.response.start": parley.WebSocketResponseStart{},
		"websocket.http.response.body":  parley.WebSocketResponseBody{},
		"lifespan.startup":              parley.LifespanStartup{},
		"lifespan.startup.complete":     parley.LifespanStartupComplete{},
		"lifespan.startup.failed":       parley.LifespanStartupFailed{},
		"lifespan.shutdown":             parley.LifespanShutdown{},
		"lifespan.shutdown.complete":    parley.LifespanShutdownComplete{},
		"lifespan.shutdown.failed":      parley.LifespanShutdownFailed{},
	} {
		if got := event.EventType(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
