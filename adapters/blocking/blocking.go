package blocking

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/overevents"
	"github.com/parleygo/parley/internal/wiring"
)

// App makes an app of a handler that blocks its thread or is bound to one: cgo,
// thread-local error state, a single-threaded library. It and every bridge call
// below it keep to one OS thread, different requests to different threads, and no
// more of them than the bridge allows (bridge.Options.MaxLanes, or Capacity with
// AnyThread). Reading the request and writing the response happen on goroutines, in
// events, while the thread serves what is called below; the handler's writer offers
// what events can honour.
//
// A call that the bridge refuses is answered with 503. WebSocket handshakes are
// denied with what the handler answers.
func App(h http.Handler, list ...Options) parley.App {
	wiring.Need("blocking: App", "handler", h)
	if len(list) > 1 {
		panic("blocking: App takes one Options")
	}
	a := &app{handler: h}
	if len(list) == 1 {
		a.options = list[0]
	}
	a.repeats = options.Limit(a.options.MaxRepeatedHeader, 100)
	thread := bridge.Sensitive()
	if a.options.AnyThread {
		thread = bridge.Pooled()
	}
	a.run = bridge.SyncToAsync2(a.serve, thread)
	return a
}

type app struct {
	handler http.Handler
	options Options
	repeats int
	run     func(context.Context, *parley.Scope, parley.Conn) *bridge.Future[struct{}]
}

func (a *app) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if scope.Protocol != parley.HTTP && scope.Protocol != parley.WebSocket {
		return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	}
	if repeated(scope.Request.Header, a.repeats) {
		return tooManyRepeats(ctx, scope, conn)
	}
	inner := ctx
	if a.options.Bridge != nil {
		inner = bridge.With(ctx, a.options.Bridge)
	}
	scope.NativeRequest() // here: the scope is not for the bridge's threads to write to
	inner, end := bridge.ThreadSensitive(inner)
	defer func() { _ = end() }() // the calls below have told what there is to tell
	_, err := a.run(inner, scope, conn).Await(inner)
	return failure(err)
}

// serve runs on the bridge.
func (a *app) serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) (struct{}, error) {
	h := http.HandlerFunc(a.handle)
	return struct{}{}, overevents.ServeClamping(ctx, h, scope, leavingConn{conn})
}

// handle calls the handler. Blocking code reads its input and writes its output in
// turns, which net/http's server wants to be told.
func (a *app) handle(w http.ResponseWriter, r *http.Request) {
	if r.Body != http.NoBody {
		_ = http.NewResponseController(w).EnableFullDuplex()
	}
	a.handler.ServeHTTP(w, r)
}

// failure makes of what the bridge returned what adapters know.
func failure(err error) error {
	var panicked *parley.PanicError
	switch {
	case errors.As(err, &panicked) && panicked.Value == http.ErrAbortHandler:
		panic(http.ErrAbortHandler)
	case errors.As(err, &panicked):
		return fmt.Errorf("%w: %v\n%s", parley.ErrAppPanic, panicked.Value, panicked.Stack)
	case errors.Is(err, bridge.ErrClosed), errors.Is(err, bridge.ErrLaneLost):
		return fmt.Errorf("%w: %w", parley.ErrOverloaded, err)
	}
	return err
}

// repeated reports whether a header occurs more often than limit.
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
	return parley.Answer(ctx, scope, conn, http.StatusBadRequest, header, body)
}

// leavingConn takes the conversation off the handler's thread: while an event is
// on its way the thread serves the calls made below.
type leavingConn struct{ conn parley.Conn }

var (
	leaveReceive = bridge.AsyncToSync(
		func(ctx context.Context, conn parley.Conn) (parley.Event, error) {
			return conn.Receive(ctx)
		})
	leaveSend = bridge.AsyncToSync2(
		func(ctx context.Context, conn parley.Conn, event parley.Event) (struct{}, error) {
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
