package nethttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/internal/overevents"
)

// Blocking makes an app of a handler that blocks its thread or is bound to one:
// cgo, thread-local error state, a single-threaded library. The handler runs on
// the bridge, inside one thread-sensitive context per request, as Django's
// ASGIHandler runs a synchronous view: it and every bridge call below it keep to
// one OS thread, different requests to different threads, and no more of them
// than the bridge allows (bridge.Options.MaxLanes, or Capacity with AnyThread).
// Reading the request and writing the response happen on goroutines, in events,
// while the thread serves what is called below; the handler's writer offers
// what events can honour.
//
// A call that the bridge refuses is answered with 503. WebSocket handshakes are
// denied with what the handler answers.
func Blocking(h http.Handler, list ...BlockingOption) parley.App {
	if h == nil {
		panic("nethttp: Blocking of a nil handler")
	}
	app := &blockingApp{handler: h, repeats: 100, thread: bridge.Sensitive()}
	for _, option := range list {
		option(app)
	}
	app.run = bridge.SyncToAsync2(app.serve, app.thread)
	return app
}

// BlockingOption configures Blocking.
type BlockingOption func(*blockingApp)

// OnBridge names the bridge to run on. Default: the one in the conversation's
// context (bridge.With), else bridge.Default.
func OnBridge(b *bridge.Bridge) BlockingOption {
	return func(a *blockingApp) { a.bridge = b }
}

// AnyThread lets the handler run on the bridge's pool, on any thread: for handlers
// that block but are bound to no thread. Sensitive calls below still share one
// thread per request.
func AnyThread() BlockingOption {
	return func(a *blockingApp) { a.thread = bridge.Pooled() }
}

// MaxRepeatedHeader is how often a request header may be repeated before the
// request is answered with 400: code that joins the values pays for each.
// Default 100; zero or less turns the limit off.
func MaxRepeatedHeader(limit int) BlockingOption {
	return func(a *blockingApp) { a.repeats = limit }
}

type blockingApp struct {
	handler http.Handler
	bridge  *bridge.Bridge
	thread  bridge.Option
	repeats int
	run     func(context.Context, *parley.Scope, parley.Conn) *bridge.Future[struct{}]
}

func (a *blockingApp) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if scope.Protocol != parley.HTTP && scope.Protocol != parley.WebSocket {
		return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	}
	if a.repeats > 0 && repeated(scope.Request.Header, a.repeats) {
		return tooManyRepeats(ctx, scope, conn)
	}
	inner := ctx
	if a.bridge != nil {
		inner = bridge.With(ctx, a.bridge)
	}
	inner, end := bridge.ThreadSensitive(inner)
	defer end()
	_, err := a.run(inner, scope, conn).Await(inner)
	return blockingFailure(err)
}

// serve runs on the bridge.
func (a *blockingApp) serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) (struct{}, error) {
	return struct{}{}, overevents.Serve(ctx, a.handler, scope, leavingConn{conn})
}

// blockingFailure makes of what the bridge returned what adapters know.
func blockingFailure(err error) error {
	var panicked *bridge.PanicError
	switch {
	case errors.As(err, &panicked) && panicked.Value == http.ErrAbortHandler:
		panic(http.ErrAbortHandler)
	case errors.As(err, &panicked):
		return fmt.Errorf("%w: %v\n%s", parley.ErrAppPanic, panicked.Value, panicked.Stack)
	case errors.Is(err, bridge.ErrQueueFull), errors.Is(err, bridge.ErrClosed):
		return fmt.Errorf("%w: %w", parley.ErrOverloaded, err)
	}
	return err
}

// repeated tells whether a header occurs more often than limit.
func repeated(header http.Header, limit int) bool {
	for _, values := range header {
		if len(values) > limit {
			return true
		}
	}
	return false
}

func tooManyRepeats(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	header := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	body := []byte("too many repeated headers\n")
	if scope.Protocol == parley.WebSocket {
		return conn.Send(ctx, parley.WebSocketDeny{Status: http.StatusBadRequest, Header: header, Body: body})
	}
	return parley.Respond(ctx, conn, http.StatusBadRequest, header, body)
}

// leavingConn takes the conversation off the handler's thread: while an event is
// on its way the thread serves the calls made below.
type leavingConn struct{ conn parley.Conn }

var (
	leaveReceive = bridge.AsyncToSync(func(ctx context.Context, conn parley.Conn) (parley.Event, error) {
		return conn.Receive(ctx)
	})
	leaveSend = bridge.AsyncToSync2(func(ctx context.Context, conn parley.Conn, event parley.Event) (struct{}, error) {
		return struct{}{}, conn.Send(ctx, event)
	})
)

func (l leavingConn) Receive(ctx context.Context) (parley.Event, error) {
	return leaveReceive(ctx, l.conn)
}

func (l leavingConn) Send(ctx context.Context, event parley.Event) error {
	_, err := leaveSend(ctx, l.conn, event)
	return err
}
