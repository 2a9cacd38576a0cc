package fallback

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
)

// open opens a session, and answers as the app answers the handshake.
func (a *App) open(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, ask *asked, subject string,
) error {
	owner, header := a.own(scope, ask, subject)
	s, err := a.newSession(ctx, scope, conn, owner)
	if err != nil {
		var why *refusal
		if errors.As(err, &why) {
			return a.refuse(ctx, conn, scope, why)
		}
		return err
	}
	held, _ := s.attach(0)
	go s.run()
	if err := s.answered(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	accept, denied := s.accept, s.denial.begun
	s.mu.Unlock()
	if accept != nil {
		v := &visit{ctx, scope, conn, ask, s}
		return v.receive(held, joined(header, accept.Header))
	}
	defer a.sessions.unlist(s)
	if denied {
		return s.deny(ctx, conn)
	}
	return a.unanswered(ctx, conn, scope, s)
}

// errTimeout is the cause of a handshake that the app has left unanswered.
var errTimeout = fmt.Errorf("fallback: handshake not answered in time: %w",
	context.DeadlineExceeded)

// errForeignPage is the cause of one that the app would have accepted, had it been
// of another page.
var errForeignPage = fmt.Errorf("fallback: page of another origin refused: %w",
	parley.ErrDisconnected)

// answered waits for the app's answer. The error is the end of the client, or of
// what it is served by.
func (s *session) answered(ctx context.Context) error {
	timeout := time.NewTimer(s.app.options.HandshakeTimeout)
	defer timeout.Stop()
	answered := false
	err := s.until(ctx, timeout.C, func() bool {
		answered = s.accept != nil || s.denial.begun || s.gone != nil || s.over
		return answered
	})
	switch {
	case err == nil && !answered:
		how := parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: errTimeout}
		s.update(func() { s.finish(how, nil) })
	case err != nil:
		_ = s.interrupted(ctx)
		s.lose() // where it has not ended otherwise
		s.abandon()
	}
	return err
}

// unanswered deals with an app that has neither accepted nor denied.
func (a *App) unanswered(
	ctx context.Context, conn parley.Conn, scope *parley.Scope, s *session,
) error {
	s.mu.Lock()
	cause := s.gone.Cause
	s.mu.Unlock()
	switch cause {
	case parley.ErrFinished:
		return s.failure(parley.ErrNotAnswered)
	case errForeignPage:
		return a.refuse(ctx, conn, scope, errForeign)
	case parley.ErrDraining:
		return a.refuse(ctx, conn, scope, errClosing)
	case errTimeout:
		a.options.Logger.Warn("parley: handshake not answered in time",
			"protocol", "fallback", "path", census.Clip(scope.Request.URL.Path))
		header := http.Header{"Retry-After": {"5"}}
		return answer(ctx, conn, http.StatusServiceUnavailable, header)
	}
	return cause // it was ended from outside, with its identity
}

// refuse answers a client that gets no session.
func (a *App) refuse(
	ctx context.Context, conn parley.Conn, scope *parley.Scope, why *refusal,
) error {
	a.counters.refused.Add(1)
	log := a.options.Logger
	switch {
	case why == errForeign && a.foreign.admit():
		r := scope.Request
		log.Warn("parley: fallback session refused for its Origin",
			"path", census.Clip(r.URL.Path), "origin", census.Clip(r.Header.Get("Origin")),
			"host", census.Clip(r.Host),
			"advice", "let it in by fallback.Options.Origins, the gateway's, or middleware.Origin below")
	case (why == errGreedy || why == errTooMany || why == errFull) && a.full.admit():
		log.Warn("parley: fallback session refused", "error", why, "client", clientOf(scope, ""),
			"advice", "behind a proxy put middleware.TrustedProxies above; see fallback.Options")
	}
	header := http.Header{}
	if why.retry != "" {
		header.Set("Retry-After", why.retry)
	}
	return answer(ctx, conn, why.status, header)
}
