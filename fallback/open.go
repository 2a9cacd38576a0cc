package fallback

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/identity"
	"github.com/parleygo/parley/internal/origin"
)

// open opens a session, and answers as the app answers the handshake.
func (a *App) open(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, ask *asked, subject string,
) error {
	owner, header := a.own(scope, ask, subject)
	s, err := a.newSession(ctx, scope, owner)
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
		s.update(func() { s.awaited = false })
		s.detach(held)
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
		return s.deny(ctx, conn, header)
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
	}
	return err
}

// unanswered deals with an app that has neither accepted nor denied. Its failure is
// the request's, so that what is above hears of it as of any other.
func (a *App) unanswered(
	ctx context.Context, conn parley.Conn, scope *parley.Scope, s *session,
) error {
	s.mu.Lock()
	gone, over, failed := s.gone, s.over, s.failed
	s.mu.Unlock()
	var panicked *parley.PanicError
	switch {
	case gone != nil && gone.Cause == errForeignPage:
		return a.refuse(ctx, conn, scope, errForeign)
	case gone != nil && gone.Cause == errTimeout:
		a.options.Logger.Warn("parley: handshake not answered in time",
			"protocol", "fallback", "path", scope.Request.URL.Path)
		return answer(ctx, conn, http.StatusServiceUnavailable, http.Header{"Retry-After": {"5"}})
	case gone != nil && gone.Cause == parley.ErrDraining:
		return a.refuse(ctx, conn, scope, errClosing)
	case gone != nil && gone.Cause != parley.ErrFinished:
		return gone.Cause // ended from outside, with its identity
	case errors.As(failed, &panicked) && errors.Is(panicked, http.ErrAbortHandler):
		panic(http.ErrAbortHandler)
	case panicked != nil:
		panic(panicked)
	case over && (failed == nil || errors.Is(failed, parley.ErrDisconnected)):
		return parley.ErrNotAnswered
	}
	return failed
}

// refuse answers a client that gets no session.
func (a *App) refuse(
	ctx context.Context, conn parley.Conn, scope *parley.Scope, why *refusal,
) error {
	a.counters.refused.Add(1)
	log := a.options.Logger
	switch {
	case why == errForeign && a.foreign.admit():
		log.Warn("parley: fallback session refused for its Origin", "path", scope.Request.URL.Path,
			"origin", scope.Request.Header.Get("Origin"), "host", scope.Request.Host,
			"advice", "let it in by fallback.Options.Origins, or by middleware.Origin below")
	case (why == errGreedy || why == errTooMany) && a.full.admit():
		log.Warn("parley: fallback session refused", "error", why, "client", clientOf(scope, ""),
			"advice", "see fallback.Options.MaxPerClient; behind a proxy put middleware.TrustedProxies above")
	}
	header := http.Header{}
	if why.retry != "" {
		header.Set("Retry-After", why.retry)
	}
	return answer(ctx, conn, why.status, header)
}

// newSession makes a session that is listed and watched over, and whose app does not
// run yet.
func (a *App) newSession(ctx context.Context, scope *parley.Scope, owner owner) (*session, error) {
	if headSize(scope.Request) > maxHead {
		return nil, errLargeHead
	}
	s := &session{
		app: a, id: rand.Text(), owner: owner, client: clientOf(scope, owner.subject),
		turn: make(chan struct{}, 1), awaited: true, unwatch: func() {},
	}
	below := context.WithoutCancel(ctx)
	if err := a.checkOrigin(scope.Request); err != nil {
		if a.options.CheckOrigin != nil {
			return nil, errForeign
		}
		s.verdict = new(origin.Verdict)
		below = s.verdict.With(below)
	}
	s.ctx, s.cancel = context.WithCancelCause(below)
	s.scope = handshakeOf(s.ctx, scope)
	s.lease = time.AfterFunc(a.options.Lease, s.expire)
	s.lease.Stop()
	if err := a.sessions.add(s, &a.options); err != nil {
		return nil, err
	}
	if claimant := identity.From(ctx); claimant != nil && owner.subject != "" {
		unwatch, err := claimant.Watch(ctx, s.revoke)
		if err != nil {
			a.sessions.unlist(s)
			a.sessions.returned(s)
			return nil, err
		}
		s.unwatch = unwatch
	}
	a.counters.opened.Add(1)
	return s, nil
}

var ownPages = origin.New(origin.Rules{Self: true})

func (a *App) checkOrigin(r *http.Request) error {
	if a.options.CheckOrigin != nil {
		return a.options.CheckOrigin(r)
	}
	return refused(ownPages.Request(r))
}

// handshakeOf is the scope of a WebSocket that a request stands for. The session
// outlives the request, and keeps no more of it than its head.
func handshakeOf(ctx context.Context, scope *parley.Scope) *parley.Scope {
	below := scope.Clone()
	below.Protocol = parley.WebSocket
	below.Subprotocols = offered(scope.Request)
	below.Extensions = []parley.Extension{parley.ExtensionDenial}
	r := below.Request.WithContext(ctx)
	r.Body, r.ContentLength, r.TransferEncoding, r.Trailer = http.NoBody, 0, nil, nil
	if r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		// Browsers send an Origin with each handshake, but not with a GET of their own.
		r.Header.Set("Origin", scope.Scheme()+"://"+r.Host)
	}
	below.Request = r
	if scope.Scheme() == "https" {
		return below.WithScheme("wss")
	}
	return below.WithScheme("ws")
}
