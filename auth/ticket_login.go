package auth

import (
	"context"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ticketClaims are what a ticket says: who it is for, and the login that it was issued in.
type ticketClaims struct {
	jwt.RegisteredClaims
	Login string    `json:"login,omitempty"` // the subject under which its session is revoked
	Until time.Time `json:"until,omitzero"`  // when the login expires; zero means never
}

// lastYear is the last one that can be written in a ticket. What expires later never does.
const lastYear = 9998

// IssueFrom makes a ticket for the user of ctx that belongs to their login: it is good no
// longer than the login, and what it opens ends with it. A session's ends when it is
// logged out, when its user or their Stamp changes, or when it expires, under whatever
// token it is by then; the Middleware that takes such a ticket needs the same Sessions
// among its Authenticators. Of other credentials a ticket has the expiry, and what it
// opens is revoked with the user.
//
// Errors are those of IdentityFrom, ErrUnavailable, and a refusal (401) if the session has
// ended meanwhile, or has another token than this conversation knows. An app may return
// all of them.
func (t *Tickets) IssueFrom(ctx context.Context) (string, error) {
	identity, err := IdentityFrom(ctx)
	if err != nil {
		return "", err
	}
	claims := &ticketClaims{Login: identity.session}
	if identity.Expires.Year() <= lastYear {
		claims.Until = identity.Expires
	}
	if identity.session != "" && identity.ticket == nil { // a ticket's login is kept already
		if err = visitorOf(ctx).guard.keepLogin(ctx, identity.session); err != nil {
			return "", err
		}
	}
	return t.sign(claims, identity.ID)
}

// identify makes an identity of a ticket, whose login holds.
func (t *Tickets) identify(ctx context.Context, claims *ticketClaims) (*Identity, error) {
	identity, err := t.holder(ctx, claims)
	own, err := adopted(identity, err, "ticket", time.Time{})
	if err != nil {
		return nil, err
	}
	own.Expires = earlier(own.Expires, claims.Until)
	own.session, own.ticket = claims.Login, claims
	return own, nil
}

// earlier returns the earlier of two ends, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// holder returns who holds a ticket, or nil for nobody that we know.
func (t *Tickets) holder(ctx context.Context, claims *ticketClaims) (*Identity, error) {
	var identity *Identity
	if claims.Login != "" {
		var err error
		if identity, err = keptLogin(ctx, claims.Login); err != nil {
			return nil, err
		}
		if identity == nil || identity.ID != claims.Subject {
			return nil, badCredentials("ticket", "revoked")
		}
	}
	switch {
	case t.options.Identify != nil:
		return t.options.Identify(ctx, claims.Subject)
	case identity != nil:
		return identity, nil
	}
	return &Identity{ID: claims.Subject, User: claims.Subject}, nil
}

var errNoSessions = errors.New("auth: ticket of a session: Sessions is not beside Tickets")

// keepLogin has the Sessions that login, a subject, is of keep it for tickets.
func (g *guard) keepLogin(ctx context.Context, login string) error {
	for _, authenticator := range g.ambient {
		if s, ok := authenticator.(*Sessions); ok && s.session(ctx) != nil {
			return s.keep(ctx, login)
		}
	}
	return errNoSessions
}

// keptLogin returns whose login it is, or nil if it has ended.
func keptLogin(ctx context.Context, login string) (*Identity, error) {
	v := visitorOf(ctx)
	if v == nil {
		return nil, ErrNoMiddleware
	}
	err := errNoSessions
	for _, authenticator := range v.guard.ambient {
		if s, ok := authenticator.(*Sessions); ok {
			var identity *Identity
			if identity, err = s.kept(ctx, login); identity != nil || err != nil {
				return identity, err
			}
		}
	}
	return nil, err
}
