package auth

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
)

// live watches over a socket or stream whose user may cease to be one.
type live struct {
	conn   parley.Conn
	scope  *parley.Scope
	ctx    context.Context // of this one conversation, for timer and revocation
	cancel context.CancelCauseFunc
	ending sync.WaitGroup

	mu    sync.Mutex
	timer *time.Timer
	over  bool // ended, or the app has returned
	cause error
}

// serveLive serves the app below while the identity holds.
func (a *visitor) serveLive(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l := &live{conn: conn, scope: scope, ctx: ctx, cancel: cancel}
	identity := *a.identity
	a.mu.Lock()
	a.live = l
	a.mu.Unlock()
	stop, err := a.watch(ctx, &identity, l)
	if err != nil {
		var refusal *middleware.Refusal
		if errors.As(err, &refusal) {
			return middleware.Refuse(ctx, scope, conn, a.app.options.Report, refusal)
		}
		return err
	}
	defer l.ending.Wait() // second: what began to end it is done before the conn is not ours any more
	defer stop()
	defer l.settle()
	l.until(identity.Expires)
	err = a.app.next.Serve(ctx, scope, conn)
	if cause := l.settle(); cause != nil {
		middleware.LogCause(ctx, cause)
		if scope.Protocol == parley.WebSocket { // it has been told already
			return &parley.CloseError{Code: parley.CodeOf(cause)}
		}
	}
	return err
}

// watch hears of revocations. What was revoked between looking and hearing is
// found by looking again.
func (a *visitor) watch(ctx context.Context, identity *Identity, l *live) (stop func(), err error) {
	revocations := a.app.options.Revocations
	if revocations == nil {
		return func() {}, nil
	}
	subjects := []string{UserSubject(identity.ID)}
	if identity.session != "" {
		subjects = append(subjects, identity.session)
	}
	if stop, err = revocations.Watch(ctx, subjects, l.end); err != nil {
		return nil, err
	}
	if identity.session != "" {
		s := sessionOf(ctx)
		gone, err := s.gone(ctx, s.manager.Token(ctx))
		if err == nil && gone {
			err = badCredentials("session", "revoked")
		}
		if err != nil {
			l.settle()
			stop()
			return nil, err
		}
	}
	return stop, nil
}

// until sets the time of the end; zero means never.
func (l *live) until(expires time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	if l.over || expires.IsZero() {
		return
	}
	l.timer = time.AfterFunc(time.Until(expires), func() { l.end(parley.ErrAuthExpired) })
}

// renew is until for an identity that still holds.
func (l *live) renew(expires time.Time) bool {
	l.mu.Lock()
	over := l.over
	l.mu.Unlock()
	if !over {
		l.until(expires)
	}
	return !over
}

// end ends the conversation with cause. It does not wait for the peer.
func (l *live) end(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	l.over, l.cause = true, cause
	l.cancel(cause) // first: it is the cause of all that follows
	if l.scope.Protocol == parley.WebSocket {
		l.ending.Go(l.goodbye)
	}
}

// goodbye denies the handshake, or closes the socket if that was accepted. A peer
// that is gone has nobody to tell.
func (l *live) goodbye() {
	ctx := context.WithoutCancel(l.ctx)
	if l.conn.Send(ctx, parley.WebSocketDeny{Status: http.StatusUnauthorized}) != nil {
		l.conn.Send(ctx, parley.WebSocketClose{Code: parley.CodeOf(l.cause)})
	}
}

// settle ends the watch and returns why the conversation was ended, or nil.
func (l *live) settle() error {
	l.mu.Lock()
	if l.timer != nil {
		l.timer.Stop()
	}
	l.over = true
	cause := l.cause
	l.mu.Unlock()
	l.ending.Wait()
	return cause
}

// Renew takes fresh credentials for the user of an open socket, as a client sends
// them in a message before the old ones expire: a JWT for a Bearer. They must be
// the same user's. The socket lives until they expire. On an error, which is
// ErrOtherUser, ErrAnonymous, ErrNoMiddleware, parley.ErrAuthExpired if it is too late,
// or the last authenticator's, nothing changes.
func Renew(ctx context.Context, credentials string) error {
	before, err := IdentityFrom(ctx)
	if err != nil {
		return err
	}
	a := visitorOf(ctx)
	err = errors.ErrUnsupported // no authenticator renews
	for _, authenticator := range a.app.options.Authenticators {
		renewer, ok := authenticator.(Renewer)
		if !ok {
			continue
		}
		var identity *Identity
		if identity, err = renewer.Renew(ctx, credentials); err == nil && identity != nil {
			return a.renewed(&before, identity)
		}
	}
	return err
}

func (a *visitor) renewed(before, identity *Identity) error {
	if identity.ID != before.ID {
		return ErrOtherUser
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.live != nil && !a.live.renew(identity.Expires) {
		return parley.ErrAuthExpired
	}
	identity.session = before.session
	a.identity = identity
	return nil
}
