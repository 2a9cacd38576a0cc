package fallback

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/internal/leakguard"
	"github.com/parleygo/parley/internal/logged"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/usercode"
)

// run runs the app on a goroutine of its own, whichever way it ends.
func (s *session) run() {
	usercode.Call(func() error { return s.app.app.Serve(s.ctx, s.scope, s) }, s.returned)
	runtime.KeepAlive(s) // for the leak guard
}

func (s *session) reportLeak() {
	seen := s.describe()
	s.app.leaks.Report(leakguard.Overdue{
		Protocol: "fallback", Route: seen.Route, Path: seen.Path, Age: time.Since(seen.Begun),
		Cause: context.Cause(s.ctx), Frame: "fallback.(*session).run", Of: s,
	})
}

// returned says what the app has left unsaid. The client may hear of it for as long
// as the lease.
func (s *session) returned(err error) {
	s.overdue.Returned()
	if errors.As(err, new(*parley.PanicError)) || errors.Is(err, parley.ErrGoexit) {
		s.app.counters.panics.Add(1)
	}
	s.mu.Lock()
	ending := s.order.Finish()
	s.over, s.failed = true, err
	how := parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: parley.ErrFinished}
	var said *goodbye
	switch {
	case ending != protocol.WebSocketSayGoodbye:
	case errors.Is(err, http.ErrAbortHandler):
		s.aborted = true
	default:
		bye := protocol.Goodbye(err)
		how.Code, how.Reason = bye.Code, bye.Reason
		said = &goodbye{Code: bye.Code, Reason: bye.Reason}
	}
	s.finish(how, said)
	cause, answers := s.gone.Cause, s.awaited && owesAnswer(ending)
	s.wake()
	s.mu.Unlock()
	if !answers {
		s.report(err, cause)
	}
	s.remember()
	s.cancel(parley.ErrFinished)
	s.unwatch()
	s.app.sessions.returned(s, cause)
}

// owesAnswer reports whether the app has left the handshake without an answer, or
// without a whole one. The request that waits for it deals with the failure then.
func owesAnswer(ending protocol.WebSocketEnding) bool {
	return ending == protocol.WebSocketFail || ending == protocol.WebSocketAbort
}

// failure is that of an app which owes an answer, as the request's own, so that what
// is above hears of it as of any other. standard is that of an app which has just
// returned.
func (s *session) failure(standard error) error {
	s.mu.Lock()
	failed := s.failed
	s.mu.Unlock()
	var panicked *parley.PanicError
	switch {
	case logged.Is(failed):
		return failed
	case errors.Is(failed, http.ErrAbortHandler):
		panic(http.ErrAbortHandler)
	case errors.As(failed, &panicked):
		panic(panicked)
	case failed == nil, errors.Is(failed, parley.ErrDisconnected):
		return standard
	}
	return failed
}

// abandon leaves a session whose answer nobody waits for any more.
func (s *session) abandon() {
	s.mu.Lock()
	unheard := s.over && s.awaited && owesAnswer(s.order.Finish())
	s.awaited = false
	failed, cause := s.failed, s.gone.Cause
	s.mu.Unlock()
	if unheard {
		s.report(failed, cause)
	}
}

// report logs an app's failure. What the app says of the client (not found, too
// large, a close of its own) is no failure of the program, nor is the end of its
// context.
func (s *session) report(err, cause error) {
	switch {
	case err == nil, errors.Is(err, http.ErrAbortHandler), errors.Is(err, parley.ErrDisconnected),
		errors.Is(err, cause), errors.Is(err, context.Canceled) && cause != parley.ErrFinished:
		return
	}
	attrs := []any{"protocol", "fallback", "path", census.Clip(s.scope.Request.URL.Path), "error", err}
	level := slog.LevelError
	var panicked *parley.PanicError
	known := parley.CodeOf(err) != parley.CloseInternalError
	switch {
	case logged.Is(err):
		level = slog.LevelDebug
	case errors.As(err, &panicked):
		attrs = append(attrs, "stack", string(panicked.Stack))
	case known, protocol.Status(err) < http.StatusInternalServerError:
		level = slog.LevelDebug
	}
	logged.LineIn(context.WithoutCancel(s.ctx), s.app.options.Logger, level,
		"parley: app failed", attrs...)
}
