package overevents

import (
	"context"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/origin"
	"github.com/parleygo/parley/internal/protocol"
)

// Serve runs h as the app of an HTTP or WebSocket conversation that is not the live
// net/http one: a wrapped conn or the test driver. h sees what it would see on
// net/http's own server; on a WebSocket its answer denies the handshake. A panic of
// h goes on to the adapter, which knows what to do about it: http.ErrAbortHandler
// aborts there too.
func Serve(ctx context.Context, h http.Handler, scope *parley.Scope, conn parley.Conn) error {
	return serve(ctx, h, scope, conn, false)
}

// ServeClamping is Serve for a handler of whose writes goes out what its
// Content-Length has room for. net/http refuses the whole write.
func ServeClamping(
	ctx context.Context, h http.Handler, scope *parley.Scope, conn parley.Conn,
) error {
	return serve(ctx, h, scope, conn, true)
}

func serve(
	ctx context.Context, h http.Handler, scope *parley.Scope, conn parley.Conn, clamps bool,
) error {
	switch scope.Protocol {
	case parley.HTTP:
	case parley.WebSocket:
		return serveHandshake(ctx, h, scope, conn)
	default:
		return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	}
	w := newWriter(ctx, scope, conn)
	defer w.Release()
	w.clamps = clamps
	if w.server = serverOf(ctx, scope); w.server != nil {
		w.borrowHeader(w.server.Header())
	}
	runHandler(ctx, h, scope, conn, w)
	err := w.Finish()
	if w.server != nil {
		w.server.Leave()
	}
	return err
}

// serveHandshake runs h on a WebSocket's handshake. What it answers denies that,
// unless it upgrades by itself or a gateway below it takes the conversation over. Both
// have a check of the Origin of their own.
func serveHandshake(
	ctx context.Context, h http.Handler, scope *parley.Scope, conn parley.Conn,
) error {
	foreign := origin.Pending(ctx)
	origin.Allow(ctx)
	if err := parley.AwaitConnect(ctx, conn); err != nil {
		return err
	}
	w := newWriter(ctx, scope, &denial{Conn: conn})
	defer w.Release()
	handover := &Handover{Context: ctx, Scope: scope, Conn: conn, Foreign: foreign, w: w}
	runHandler(context.WithValue(ctx, handoverKey{}, handover), h, scope, w.conn, w)
	if taken, err := handover.outcome(); taken {
		return err
	}
	return w.Finish()
}

// runHandler calls h once and takes back, however h ends, what was lent to it:
// a goroutine that h leaves behind finds a finished context, a closed body and
// a writer that refuses.
func runHandler(
	ctx context.Context, h http.Handler, scope *parley.Scope, conn parley.Conn, w *Writer,
) {
	requestCtx := &handlerContext{Context: ctx, handshake: scope.Protocol == parley.WebSocket}
	w.onHijack = requestCtx.detach
	r, body := eventRequest(requestCtx, scope, conn, w.server)
	w.body = body
	if r.MultipartForm == nil { // else it is of somebody above
		defer protocol.RemoveFiles(r)
	}
	defer func() {
		w.Retire()
		requestCtx.end()
		body.end() // after the context, which ends a Read that still waits
	}()
	h.ServeHTTP(w.offered(), r)
}
