package fallback

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/drain"
	"github.com/parleygo/parley/internal/identity"
	"github.com/parleygo/parley/internal/origin"
	"github.com/parleygo/parley/internal/protocol"
)

// newSession makes a session that is listed and watched over, and whose app does not
// run yet.
func (a *App) newSession(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, owner owner,
) (*session, error) {
	head := headSize(scope.Request)
	switch {
	case head > maxHead:
		return nil, errLargeHead
	case !a.hasRoom(head):
		return nil, errFull
	}
	s := &session{
		app: a, id: rand.Text(), owner: owner, client: clientOf(scope, owner.subject),
		head: head, turn: make(chan struct{}, 1), awaited: true, unwatch: func() {},
	}
	below, err := s.checkPage(context.WithoutCancel(ctx), conn, scope.NativeRequest())
	if err != nil {
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancelCause(below)
	s.scope = handshakeOf(s.ctx, scope)
	s.learn()
	s.lease = time.AfterFunc(a.options.Lease, s.expire)
	s.lease.Stop()
	if err := a.sessions.add(s, &a.options); err != nil {
		return nil, err
	}
	if group := drain.From(ctx); group != nil {
		group.Join(a, drained{a})
	}
	if err := s.watch(ctx); err != nil {
		return nil, err
	}
	a.counters.opened.Add(1)
	return s, nil
}

// watch has the session end with the identity that it belongs to. A session that
// can't be watched over is none.
func (s *session) watch(ctx context.Context) (err error) {
	claimant := identity.From(ctx)
	if claimant == nil || s.owner.subject == "" {
		return nil
	}
	watched := false
	defer func() {
		if !watched {
			s.app.sessions.unlist(s)
			s.app.sessions.returned(s, nil)
		}
	}()
	unwatch, err := claimant.Watch(ctx, s.revoke)
	if err != nil {
		return err
	}
	s.unwatch, watched = unwatch, true
	return nil
}

var ownPages = origin.New(origin.Rules{Self: true})

// checkPage refuses a page that may not open the session, or has ctx carry the question
// down to middleware that may let it in.
func (s *session) checkPage(
	ctx context.Context, conn parley.Conn, r *http.Request,
) (context.Context, error) {
	final, refusal := s.app.checkOrigin(conn, r)
	switch {
	case refusal == nil:
		return ctx, nil
	case final:
		return nil, errForeign
	}
	s.verdict = new(origin.Verdict)
	return s.verdict.With(ctx), nil
}

// checkOrigin decides by the options, by those of the server, or for the time being.
func (a *App) checkOrigin(conn parley.Conn, r *http.Request) (final bool, refusal error) {
	if a.options.CheckOrigin != nil {
		return true, a.options.CheckOrigin(r)
	}
	if decides, refusal := origin.AtGate(conn, r); decides {
		return true, refusal
	}
	return false, originError(ownPages.Request(r))
}

// handshakeOf is the scope of a WebSocket that a request stands for. The session
// outlives the request, and keeps no more of it than its head.
func handshakeOf(ctx context.Context, scope *parley.Scope) *parley.Scope {
	below := scope.Clone()
	below.Protocol = parley.WebSocket
	below.Subprotocols = protocol.Offer(scope.Request)
	below.Extensions = []parley.Extension{parley.ExtensionDenial}
	r := below.NativeRequest().WithContext(ctx)
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
