package middleware

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/wiring"
)

// AccessLogOptions configure AccessLog and AccessLogHandler.
type AccessLogOptions struct {
	// Logger gets one record per conversation, at level Info. Default
	// slog.Default().
	Logger *slog.Logger

	// Record, if set, takes the record instead of Logger: see WriteNCSA. It is
	// called many times at once.
	Record func(ctx context.Context, access *Access)

	// SocketsOnly has AccessLog leave HTTP alone, where AccessLogHandler
	// stands around the gateway.
	SocketsOnly bool
}

func (o AccessLogOptions) record() func(context.Context, *Access) {
	if o.Record != nil {
		return o.Record
	}
	logger := o.Logger
	if logger == nil {
		logger = slog.Default()
	}
	return func(ctx context.Context, access *Access) {
		logger.LogAttrs(ctx, slog.LevelInfo, "access", access.Attrs()...)
	}
}

// AccessLog records every conversation when it has ended: how long, how much,
// with which status or close code, why, at which route, by whom. Put it below
// TrustedProxies and RequestID, whose findings it shows, and above everything
// else.
//
// To see that, it wraps the conn: a handler of net/http or gin below runs over
// events then, and a handler that upgrades by itself cannot. For native speed put
// AccessLogHandler around the gateway and SocketsOnly here.
func AccessLog(options AccessLogOptions) parley.Middleware {
	record := options.record()
	return func(next parley.App) parley.App {
		wiring.Need("middleware: AccessLog", "app", next)
		return &accessLog{next, record, options.SocketsOnly}
	}
}

// errNotReturned is the cause of an app that has panicked, or ended its goroutine.
// The access log lets both pass, so that their stacks stay as they are, and cannot
// tell which it was.
var errNotReturned = fmt.Errorf("middleware: app did not return: %w", parley.ErrAppPanic)

type accessLog struct {
	next        parley.App
	record      func(context.Context, *Access)
	socketsOnly bool
}

func (l *accessLog) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if !protocol.Requested(scope) || l.socketsOnly && scope.Protocol == parley.HTTP {
		return l.next.Serve(ctx, scope, conn)
	}
	if scope.Protocol == parley.WebSocket {
		findingsOf(ctx).take() // of an AccessLogHandler above
	}
	c := &logConn{Conn: conn, scope: scope, access: newAccess(ctx, scope)}
	seen := new(findings)
	err := errNotReturned // unless Serve returns
	defer func() {
		access := c.ended(ctx, err, seen)
		l.record(ctx, &access)
	}()
	err = l.next.Serve(context.WithValue(ctx, findingsKey{}, seen), scope, c.offering())
	return err
}

// ended completes the record when the app has returned err.
func (c *logConn) ended(ctx context.Context, err error, seen *findings) Access {
	c.mu.Lock()
	a := c.access
	accepted := c.accepted
	if accepted {
		a.Code = cmp.Or(c.said, a.Code) // what this side says comes before what that tells it
	}
	c.mu.Unlock()
	a.Duration = time.Since(a.Start)
	a.Route = cmp.Or(a.Route, c.scope.Request.Pattern) // middleware has answered in the app's place
	seen.complete(&a)
	switch cause := context.Cause(ctx); {
	case cause == parley.ErrFinished, cause == parley.ErrClosed:
	case a.Cause == nil:
		a.Cause = cause
	}
	if a.Cause == nil {
		a.Cause = err
	}
	lost := a.Cause != nil && ctx.Err() != nil
	switch answered := protocol.Status(a.Cause); {
	case a.Status != 0:
	case !lost: // the server answers for the app
		a.Status = protocol.Status(err)
	case answered != http.StatusInternalServerError: // it has done so, for a drain perhaps
		a.Status = answered
	}
	if accepted && a.Code == 0 {
		a.Code = protocol.Goodbye(err).Code
		if lost {
			a.Code = parley.CloseAbnormal
		}
	}
	return a
}

// complete adds what middleware below has found out.
func (n *findings) complete(a *Access) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a.User, a.Refusal = n.user, n.refusal
	if n.cause != nil {
		a.Cause = n.cause
	} else if n.refusal != nil {
		a.Cause = n.refusal
	}
}
