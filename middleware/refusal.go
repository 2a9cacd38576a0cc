package middleware

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/parleygo/parley"
)

// Refusal is a conversation turned away: the error of every Check of this
// package. It holds nothing that is secret.
type Refusal struct {
	// By is the middleware that refused, such as "origin".
	By string

	// Reason is one of a few words, fit for a metric's label: "missing",
	// "malformed", "not-allowed" and so on.
	Reason string

	// Status is the HTTP status that answers, on a handshake too.
	Status int

	// Detail is for the people who read the log. The client is not told.
	Detail string

	// RetryAfter, if positive, is sent in the header of that name, in whole
	// seconds, rounded up.
	RetryAfter time.Duration

	// Challenge, if set, is sent as WWW-Authenticate.
	Challenge string

	// Err is the condition behind it, such as parley.ErrRateLimited, or nil.
	Err error
}

func (r *Refusal) Error() string {
	text := "middleware: " + r.By + ": " + r.Reason
	if r.Detail != "" {
		text += ": " + r.Detail
	}
	return text
}

// Unwrap returns Err.
func (r *Refusal) Unwrap() error { return r.Err }

// Reporter is told of every refusal, before the client is: for a log line, a
// counter, or both. It may be called many times at once and should not block.
type Reporter func(ctx context.Context, scope *parley.Scope, refusal *Refusal)

// LogTo returns a Reporter that logs one line per refusal at level Warn; nil is
// slog.Default(). The
// query and the headers of the request are not in it, since tokens may be.
func LogTo(logger *slog.Logger) Reporter {
	if logger == nil {
		logger = slog.Default()
	}
	return func(ctx context.Context, scope *parley.Scope, refusal *Refusal) {
		logger.LogAttrs(ctx, slog.LevelWarn, "middleware: refused", slog.String("by", refusal.By),
			slog.String("reason", refusal.Reason), slog.String("detail", refusal.Detail),
			slog.Int("status", refusal.Status), slog.String("protocol", string(scope.Protocol)),
			slog.String("path", cut(scope.Request.URL.Path, longPath)))
	}
}

// tell reports a refusal, to the access log too.
func tell(ctx context.Context, scope *parley.Scope, report Reporter, refusal *Refusal) {
	findingsOf(ctx).refused(refusal)
	if report != nil {
		report(ctx, scope, refusal)
	}
}

// refusalOf makes a Refusal of any error of a decision.
func refusalOf(err error) *Refusal {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return &Refusal{
		By: "check", Reason: "not-allowed", Status: http.StatusForbidden,
		Detail: err.Error(), Err: err,
	}
}

// Refuse answers a conversation that may not go on: a plain HTTP answer, on a
// handshake too. report, which may be nil, and the access log are told. It returns
// nil, for the conversation is over and nothing failed, or why it could not answer.
func Refuse(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, report Reporter, refusal *Refusal,
) error {
	tell(ctx, scope, report, refusal)
	header := http.Header{
		"Content-Type":           {"text/plain; charset=utf-8"},
		"X-Content-Type-Options": {"nosniff"},
	}
	if refusal.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(refusal.RetryAfter.Seconds()))))
	}
	if refusal.Challenge != "" {
		header.Set("WWW-Authenticate", refusal.Challenge)
	}
	body := []byte(http.StatusText(refusal.Status) + "\n")
	err := parley.Answer(ctx, scope, conn, refusal.Status, header, body)
	if errors.Is(err, parley.ErrDisconnected) {
		return nil // the client did not wait for its refusal
	}
	return err
}
