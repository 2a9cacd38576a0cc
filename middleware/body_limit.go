package middleware

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/wiring"
)

// BodyLimitOptions configure a BodyLimit.
type BodyLimitOptions struct {
	// Max is how many bytes a request's body may have. Default 1 MiB.
	Max int64

	// Report is told of refusals. nil is silent.
	Report Reporter
}

// BodyLimit bounds request bodies of HTTP. It is safe for concurrent use.
type BodyLimit struct{ options BodyLimitOptions }

// NewBodyLimit makes a BodyLimit. It panics for a negative Max.
func NewBodyLimit(o BodyLimitOptions) *BodyLimit {
	o.Max = options.Positive("middleware: BodyLimitOptions.Max", o.Max, 1<<20)
	return &BodyLimit{o}
}

// Check decides by the length that the client announces. The error is a *Refusal
// that is parley.ErrTooLarge. A body without a length passes.
func (l *BodyLimit) Check(scope *parley.Scope) error {
	isHTTP := scope.Protocol == parley.HTTP && scope.Request != nil
	if !isHTTP || scope.Request.ContentLength <= l.options.Max {
		return nil
	}
	return &Refusal{
		By: "body-limit", Reason: "too-large", Status: http.StatusRequestEntityTooLarge,
		Err:    parley.ErrTooLarge,
		Detail: fmt.Sprintf("%d bytes, at most %d", scope.Request.ContentLength, l.options.Max),
	}
}

// Wrap puts the limit in front of next. A length that is too large is answered
// with 413 before a byte of the body is read, so before "100 Continue" is sent.
// A body that comes without a length is counted as it is received, for which the
// conn of that request is wrapped: beyond the limit Receive returns an error that is
// parley.ErrTooLarge, which answers 413 if the app returns it. For a handler that reads
// its body it is an *http.MaxBytesError, too.
func (l *BodyLimit) Wrap(next parley.App) parley.App {
	wiring.Need("middleware: BodyLimit.Wrap", "app", next)
	return guarded(next, bodyGuard{l}, l.act)
}

// bodyGuard acts on bodies without a length, too.
type bodyGuard struct{ *BodyLimit }

// Check implements decider.
func (g bodyGuard) Check(scope *parley.Scope) error {
	isHTTP := scope.Protocol == parley.HTTP && scope.Request != nil
	if isHTTP && scope.Request.ContentLength < 0 {
		return errInvolved
	}
	return g.BodyLimit.Check(scope)
}

func (l *BodyLimit) act(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, next parley.App, why error,
) error {
	if !errors.Is(why, errInvolved) {
		return Refuse(ctx, scope, conn, l.options.Report, refusalOf(why))
	}
	return next.Serve(ctx, scope, &bodyConn{conn, l.options.Max, l.options.Max})
}

type bodyConn struct {
	parley.Conn
	left  int64 // bytes that may come still
	limit int64
}

// Unwrap tells that what is sent passes unchanged.
func (c *bodyConn) Unwrap() parley.Conn { return c.Conn }

func (c *bodyConn) Receive(ctx context.Context) (parley.Event, error) {
	if c.left < 0 {
		return nil, c.tooLarge()
	}
	event, err := c.Conn.Receive(ctx)
	if part, ok := event.(parley.HTTPRequest); ok {
		if c.left -= int64(len(part.Body)); c.left < 0 {
			return nil, c.tooLarge()
		}
	}
	return event, err
}

// tooLarge is an error that handlers of net/http know as well.
func (c *bodyConn) tooLarge() error {
	return fmt.Errorf("%w: %w", parley.ErrTooLarge, &http.MaxBytesError{Limit: c.limit})
}
