package fallback

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/usercode"
)

// run runs the app on a goroutine of its own, whichever way it ends.
func (s *session) run() {
	usercode.Call(func() error { return s.app.app.Serve(s.ctx, s.scope, s) }, s.returned)
}

// returned says what the app has left unsaid. The client may hear of it for as long
// as the lease.
func (s *session) returned(err error) {
	s.mu.Lock()
	ending := s.order.Finish()
	s.over, s.failed = true, err
	unheard := !s.awaited && ending != protocol.WebSocketSayGoodbye
	switch {
	case ending != protocol.WebSocketSayGoodbye:
		s.finish(parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: parley.ErrFinished}, nil)
	case errors.Is(err, http.ErrAbortHandler):
		s.aborted = true
		s.finish(parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: parley.ErrFinished}, nil)
	default:
		bye := protocol.Goodbye(err)
		how := parley.WebSocketDisconnect{Code: bye.Code, Reason: bye.Reason, Cause: parley.ErrFinished}
		s.finish(how, &goodbye{Code: bye.Code, Reason: bye.Reason})
	}
	reports := s.accept != nil || unheard
	cause := s.gone.Cause
	s.wake()
	s.mu.Unlock()
	if reports {
		s.report(ending, err, cause)
	}
	s.cancel(parley.ErrFinished)
	s.unwatch()
	s.app.sessions.returned(s)
}

// report logs an app's failure. What the app says of the client (not found, too
// large, a close of its own) is no failure of the program.
func (s *session) report(ending protocol.WebSocketEnding, err, cause error) {
	switch {
	case err == nil, errors.Is(err, http.ErrAbortHandler), errors.Is(err, parley.ErrDisconnected),
		ending == protocol.WebSocketDone && (errors.Is(err, cause) || errors.Is(err, context.Canceled)):
		return
	}
	attrs := []any{"protocol", "fallback", "path", s.scope.Request.URL.Path, "error", err}
	level := slog.LevelError
	var panicked *parley.PanicError
	switch {
	case errors.As(err, &panicked):
		attrs = append(attrs, "stack", string(panicked.Stack))
	case parley.CodeOf(err) != parley.CloseInternalError || protocol.Status(err) < http.StatusInternalServerError:
		level = slog.LevelDebug
	}
	s.app.options.Logger.Log(context.WithoutCancel(s.ctx), level, "parley: app failed", attrs...)
}
