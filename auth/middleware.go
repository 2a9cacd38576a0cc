package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/middleware"
)

// Options configure Middleware.
type Options struct {
	// Authenticators are asked in their order, those for credentials that a
	// client shows on purpose (tokens, tickets, certificates) before
	// Sessions, whose cookie comes by itself.
	Authenticators []Authenticator

	// Revocations, if set, ends open sockets and event streams when their user
	// or session is revoked; see NewChannelRevocations.
	Revocations Revocations

	// Report is told of bad credentials. nil is silent.
	Report middleware.Reporter
}

// Middleware finds out who is talking. Anonymous clients pass: Require, or User, is
// what keeps them out. Credentials that are shown and no good are answered with
// 401 (400 if they are malformed), and the app does not run.
//
// A session is looked at when User is first called, so that requests which do not
// ask cost no database; on sockets and event streams (requests that accept
// text/event-stream) it is at once. Those are also ended when the identity
// expires or is revoked: a socket closes with 4401, and the app's context ends
// with parley.ErrAuthExpired, which ends a well-behaved stream. Renew extends a
// socket's life.
//
// What an app below gets to see has neither ticket nor token in its URL or among
// its subprotocols. Middleware wraps the conn only of sockets whose token came as
// subprotocol. A handler that upgrades by itself, past parley, is told of the end
// by its context only.
//
// It panics without authenticators.
func Middleware(options Options) parley.Middleware {
	if len(options.Authenticators) == 0 {
		panic("auth: Middleware without an Authenticator")
	}
	shared := &guard{options: options}
	for _, authenticator := range options.Authenticators {
		if authenticator == nil {
			panic("auth: Middleware with a nil Authenticator")
		}
		if _, ok := authenticator.(ambient); ok {
			shared.ambient = append(shared.ambient, authenticator)
		} else {
			shared.shown = append(shared.shown, authenticator)
		}
		if c, ok := authenticator.(challenger); ok && shared.challenge == "" {
			shared.challenge = c.challenge()
		}
	}
	return func(next parley.App) parley.App {
		a := *shared
		a.next = next
		return &a
	}
}

type (
	// ambient marks credentials that a browser sends by itself.
	ambient interface{ ambient() }
	// hider takes credentials out of what is handed on.
	hider interface {
		hide(scope *parley.Scope) *parley.Scope
	}
	// challenger says how to authenticate, for WWW-Authenticate.
	challenger interface{ challenge() string }
)

type guard struct {
	next      parley.App
	options   Options
	shown     []Authenticator
	ambient   []Authenticator
	challenge string
}

// visitor is what is known of one conversation's user.
type visitor struct {
	app   *guard
	scope *parley.Scope

	mu       sync.Mutex
	pending  []Authenticator // to be asked still
	identity *Identity
	err      error
	live     *live // of a socket or stream
}

type visitorKey struct{}

func visitorOf(ctx context.Context) *visitor {
	a, _ := ctx.Value(visitorKey{}).(*visitor)
	return a
}

func (m *guard) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if !protocol.Requested(scope) {
		return m.next.Serve(ctx, scope, conn)
	}
	a := &visitor{app: m, scope: scope, pending: m.shown}
	ctx = context.WithValue(ctx, visitorKey{}, a)
	lasting := lasts(scope)
	identity, err := a.resolve(ctx)
	if err == nil && identity == nil {
		a.pending = m.ambient
		if lasting {
			identity, err = a.resolve(ctx)
		}
	}
	var refusal *middleware.Refusal
	switch {
	case errors.As(err, &refusal):
		return middleware.Refuse(ctx, scope, conn, m.options.Report, refusal)
	case err != nil:
		return err
	}
	below, conn := m.hidden(scope, conn)
	if identity != nil && lasting {
		return a.serveLive(ctx, below, conn)
	}
	return m.next.Serve(ctx, below, conn)
}

// hidden takes the credentials out of what is handed on.
func (m *guard) hidden(scope *parley.Scope, conn parley.Conn) (*parley.Scope, parley.Conn) {
	for _, authenticator := range m.shown {
		h, ok := authenticator.(hider)
		if !ok {
			continue
		}
		if changed := h.hide(scope); changed != scope {
			if len(changed.Subprotocols) != len(scope.Subprotocols) {
				conn = &subprotocolConn{conn}
			}
			scope = changed
		}
	}
	return scope, conn
}

// resolve asks the authenticators that were not asked yet.
func (a *visitor) resolve(ctx context.Context) (*Identity, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.pending) > 0 && a.identity == nil && a.err == nil {
		identity, err := a.pending[0].Authenticate(ctx, a.scope)
		if err != nil && ctx.Err() != nil {
			return nil, err // it says nothing of the user
		}
		a.pending = a.pending[1:]
		a.identity, a.err = checked(identity, err)
	}
	if a.identity != nil {
		a.pending = nil
		middleware.LogUser(ctx, a.identity.ID)
	}
	return a.identity, a.err
}

func checked(identity *Identity, err error) (*Identity, error) {
	switch {
	case err != nil:
		return nil, err
	case identity != nil && identity.ID == "":
		return nil, errors.New("auth: an authenticator gave an identity without ID")
	case identity != nil && !identity.Expires.IsZero() && !time.Now().Before(identity.Expires):
		return nil, badCredentials("auth", "expired")
	}
	return identity, nil
}

// set is for a login or logout.
func (a *visitor) set(ctx context.Context, identity *Identity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pending, a.identity, a.err = nil, identity, nil
	if identity != nil {
		middleware.LogUser(ctx, identity.ID)
	}
}

// lasts tells whether a conversation is meant to stay open.
func lasts(scope *parley.Scope) bool {
	if scope.Protocol == parley.WebSocket {
		return true
	}
	for _, accept := range scope.Request.Header["Accept"] {
		if strings.Contains(accept, "text/event-stream") {
			return true
		}
	}
	return false
}

// badCredentials is the refusal of an authenticator. It never holds what it was
// shown.
func badCredentials(by, reason string) *middleware.Refusal {
	return &middleware.Refusal{By: by, Reason: reason, Status: http.StatusUnauthorized}
}
