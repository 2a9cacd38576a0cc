package middleware

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/logged"
	"github.com/parleygo/parley/internal/wiring"
)

// RecoverOptions configure Recover.
type RecoverOptions struct {
	// Logger gets one line per panic, with its stack. Default slog.Default().
	Logger *slog.Logger

	// Report, if set, is told too, before the client is: for an error tracker.
	Report func(ctx context.Context, scope *parley.Scope, value any, stack []byte)
}

// Recover makes errors of panics: a socket ends with 1011, an HTTP request with
// 500 if its answer has not begun and with a cut connection if it has. The error
// is a *parley.PanicError to errors.As. http.ErrAbortHandler passes.
//
// A gateway recovers by itself; Recover is for the log line with the request's
// context, which stands in place of the gateway's own, and for middleware above that
// wants to see an error. A handler that
// runs natively has written to the server past everybody, so nobody knows
// whether its answer has begun: Recover then tries to answer 500 and cuts the
// connection, by panicking with http.ErrAbortHandler. A complete answer is
// never made of half of one, at the price of a line of net/http's about the second
// status.
func Recover(options RecoverOptions) parley.Middleware {
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	return func(next parley.App) parley.App {
		wiring.Need("middleware: Recover", "app", next)
		return &recoverer{next, options}
	}
}

type recoverer struct {
	next    parley.App
	options RecoverOptions
}

func (r *recoverer) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) (err error) {
	defer func() {
		value := recover()
		switch {
		case value == nil:
			return
		case value == http.ErrAbortHandler:
			panic(value)
		}
		panicked := parley.NewPanicError(value)
		r.report(ctx, scope, panicked)
		err = logged.Mark(panicked)
		findingsOf(ctx).ended(err)
		if scope.Protocol == parley.HTTP && !wrapped(conn) {
			abort(ctx, conn)
		}
	}()
	return r.next.Serve(ctx, scope, conn)
}

func (r *recoverer) report(ctx context.Context, scope *parley.Scope, panicked *parley.PanicError) {
	attrs := []slog.Attr{
		slog.String("protocol", string(scope.Protocol)), slog.Any("panic", panicked.Value),
		slog.String("stack", string(panicked.Stack)),
	}
	if scope.Request != nil {
		attrs = append(attrs, slog.String("path", cut(scope.Request.URL.Path, longPath)))
	}
	if id := RequestIDFrom(ctx); id != "" {
		attrs = append(attrs, slog.String("request_id", id))
	}
	r.options.Logger.LogAttrs(ctx, slog.LevelError, "middleware: app panicked", attrs...)
	if r.options.Report != nil {
		r.options.Report(ctx, scope, panicked.Value, panicked.Stack)
	}
}

// wrapped reports whether middleware has wrapped conn, so that no handler writes past
// it and the server knows what was said.
func wrapped(conn parley.Conn) bool {
	_, ok := conn.(interface{ Unwrap() parley.Conn })
	return ok
}

// abort answers 500 where that is possible still. The empty body, flushed, keeps
// an answer that had begun from being continued by ours.
func abort(ctx context.Context, conn parley.Conn) {
	start := parley.HTTPResponseStart{
		Status: http.StatusInternalServerError,
		Header: http.Header{"Content-Length": {"0"}},
	}
	if conn.Send(ctx, start) != nil {
		return // begun in events: the server knows, and cuts
	}
	if conn.Send(ctx, parley.HTTPResponseBody{More: true}) == nil {
		conn.Send(ctx, parley.HTTPResponseBody{}) // the client may be gone: nobody to tell
	}
	panic(http.ErrAbortHandler)
}
