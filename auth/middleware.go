package auth

import (
	"context"
	"errors"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/internal/identity"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/wiring"
	"github.com/parleygo/parley/middleware"
)

// Options configure Middleware.
type Options struct {
	// Authenticators are asked in their order, those for credentials that a
	// client shows on purpose (tokens, tickets, certificates) before Sessions,
	// whose cookie comes by itself.
	Authenticators []Authenticator

	// Revocations tell that a user's or a session's access has ended, in every
	// process: see NewChannelRevocations. Default: what Sessions.Logout ends is
	// told within this Middleware, and so in this process only.
	Revocations Revocations

	// Report is told of bad credentials. nil is silent.
	Report middleware.Reporter
}

// Middleware finds out who is talking. Anonymous clients pass: Require, or User,
// is what keeps them out. Credentials that are shown and no good are answered with
// 401 (400 if they are malformed), and the app does not run. If nobody can say
// now whether they are any good, because a store is down, the answer is 503.
//
// A session is looked at when User is first called, so that requests which do not
// ask cost no database; on sockets it is at once.
//
// What an identity was let in for ends with it: when it expires, when its session
// is logged out, when its user is revoked. An open socket closes with 4401. The
// answer to an HTTP request, be it a stream, a download or a poll, is ended if it
// takes longer than a second: the app's context ends with parley.ErrAuthExpired,
// it may send the last part of its body, and no other. Answers of apps that never
// asked who the user is are let go on, since they do not depend on it; so is the
// answer to the request that logs out. A handler that writes to net/http itself
// has a second to end its answer, then its writes fail, and so does reading the
// request; one that upgrades by itself is told by its context only. Renew extends a socket's life.
//
// Credentials are looked at again once their end would be heard of, so that
// nothing is missed in between: a socket costs two looks, and so does an answer
// that takes longer than a second.
//
// What an app below gets to see has neither ticket nor token in its URL or among
// its subprotocols. An app may return the error of User: it is answered with 401.
//
// It panics without authenticators.
func Middleware(options Options) parley.Middleware {
	if len(options.Authenticators) == 0 {
		panic("auth: Middleware without an Authenticator")
	}
	if options.Revocations == nil {
		options.Revocations = new(localRevocations)
	}
	shared := &guard{options: options}
	for _, authenticator := range options.Authenticators {
		shared.add(authenticator)
	}
	return func(next parley.App) parley.App {
		wiring.Need("auth: Middleware", "app", next)
		g := *shared
		g.next = next
		return &g
	}
}

// guard is the app that Middleware makes.
type guard struct {
	next      parley.App
	options   Options
	shown     []Authenticator
	ambient   []Authenticator
	challenge string
}

func (g *guard) add(authenticator Authenticator) {
	if authenticator == nil {
		panic("auth: Middleware with a nil Authenticator")
	}
	if _, ok := authenticator.(ambient); ok {
		g.ambient = append(g.ambient, authenticator)
	} else {
		g.shown = append(g.shown, authenticator)
	}
	if c, ok := authenticator.(challenger); ok && g.challenge == "" {
		g.challenge = c.challenge()
	}
}

func (g *guard) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if !protocol.Requested(scope) {
		return g.next.Serve(ctx, scope, conn)
	}
	v := &visitor{guard: g, scope: scope, pending: g.shown}
	v.live.badge = census.BadgeOf(conn)
	ctx = identity.With(ctx, v)
	err := v.arrive(ctx)
	if err == nil {
		below, conn := g.hidden(scope, conn)
		err = v.serve(ctx, below, conn)
	}
	if refusal := g.refusalOf(err); refusal != nil {
		return g.refuse(ctx, scope, conn, refusal, err)
	}
	return err
}

// refusalOf returns how an error is answered that says who may not come in.
func (g *guard) refusalOf(err error) *middleware.Refusal {
	var refusal *middleware.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, ErrAnonymous):
		return g.anonymous()
	}
	return nil
}

// anonymous is the refusal of somebody who has not shown who they are.
func (g *guard) anonymous() *middleware.Refusal {
	refusal := badCredentials("require", "anonymous")
	refusal.Challenge, refusal.Err = g.challenge, ErrAnonymous
	return refusal
}

// refuse answers for an app that has returned err, unless it has answered itself.
func (g *guard) refuse(
	ctx context.Context, scope *parley.Scope, conn parley.Conn,
	refusal *middleware.Refusal, err error,
) error {
	var broken *parley.ProtocolError
	failed := middleware.Refuse(ctx, scope, conn, g.options.Report, refusal)
	if errors.As(failed, &broken) {
		return err
	}
	return failed
}

// hidden takes the credentials out of what is handed on.
func (g *guard) hidden(scope *parley.Scope, conn parley.Conn) (*parley.Scope, parley.Conn) {
	for _, authenticator := range g.shown {
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
