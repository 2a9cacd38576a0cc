package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/middleware"
)

var (
	// ErrAnonymous: nobody has shown who they are.
	ErrAnonymous = errors.New("auth: nobody is logged in")

	// ErrNoMiddleware: Middleware does not stand above.
	ErrNoMiddleware = errors.New("auth: no authentication here: put auth.Middleware above")

	// ErrUnavailable: what knows about users (a session store, a broker) does not
	// answer now. It is parley.ErrOverloaded, so clients are told 503, or 1013.
	ErrUnavailable = fmt.Errorf("auth: cannot say who may come in: %w", parley.ErrOverloaded)

	// ErrOtherUser: the credentials for a renewal are somebody else's.
	ErrOtherUser = errors.New("auth: credentials of another user")
)

// Identity is a user as an Authenticator knows them.
type Identity struct {
	// ID names the user for ever: it is what is logged and revoked. It is not
	// empty.
	ID string

	// User is the app's own value for the user, which User returns.
	User any

	// Expires is when the identity ends; zero means never. An open socket is
	// closed with 4401 then, unless it was renewed; where the clock was set, or the
	// machine has slept, within a minute of it.
	Expires time.Time

	// Via says how the user showed who they are: "session", "bearer" and so on.
	Via string

	// Stamp changes when the user's sessions shall end, as when a new password
	// is set: a hash of it will do. See Sessions.
	Stamp string

	session string        // the subject under which its session is revoked, or ""
	ticket  *ticketClaims // what the ticket said that was spent, or nil
}

// subjects are what is revoked when the identity ends.
func (i *Identity) subjects() []string {
	if i.session == "" {
		return []string{UserSubject(i.ID)}
	}
	return []string{UserSubject(i.ID), i.session}
}

// unavailable is what trouble of a store or broker is told as. Errors that say
// themselves how they are answered stay as they are.
func unavailable(doing string, err error) error {
	var refusal *middleware.Refusal
	var weak *KeyError
	switch {
	case errors.As(err, &refusal), errors.As(err, &weak), errors.Is(err, ErrNoSession),
		protocol.Status(err) != http.StatusInternalServerError:
		return err
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, doing, err)
}

// Authenticator finds out who is talking from one kind of credentials.
//
// It returns nil, nil if the request has none of them. For credentials that are
// no good it returns a *middleware.Refusal, with status 401 or 400, which holds nothing
// secret; any other error is trouble of its own, and answered with 503, unless it is
// of a kind that says otherwise. It may be called by many conversations at once,
// and for one of them a second time: see Rechecker.
type Authenticator interface {
	Authenticate(ctx context.Context, scope *parley.Scope) (*Identity, error)
}

// Rechecker is an Authenticator whose credentials cannot be looked at twice in the
// same way, as a ticket that is spent. Recheck says who identity, which it has
// given for this conversation, is by now; nil, nil is nobody any more. Others are
// asked by Authenticate again.
type Rechecker interface {
	Authenticator
	Recheck(ctx context.Context, scope *parley.Scope, identity Identity) (*Identity, error)
}

// ambient marks credentials that a browser sends by itself.
type ambient interface{ ambient() }

// hider takes credentials out of what is handed on.
type hider interface {
	hide(scope *parley.Scope) *parley.Scope
}

// challenger says how to authenticate, for WWW-Authenticate.
type challenger interface{ challenge() string }

// AuthenticatorFunc makes an Authenticator of a function.
type AuthenticatorFunc func(ctx context.Context, scope *parley.Scope) (*Identity, error)

// Authenticate calls f.
func (f AuthenticatorFunc) Authenticate(
	ctx context.Context, scope *parley.Scope,
) (*Identity, error) {
	return f(ctx, scope)
}

// Renewer is an Authenticator that takes fresh credentials later, in a message.
type Renewer interface {
	Renew(ctx context.Context, credentials string) (*Identity, error)
}

// User returns the user of the conversation, as the Authenticator gave it in
// Identity.User. Who it is is found out once, at the first call at the latest.
// The error is ErrAnonymous, ErrNoMiddleware, one that tells that the user is no U, or
// the authenticator's.
func User[U any](ctx context.Context) (user U, err error) {
	identity, err := IdentityFrom(ctx)
	if err != nil {
		return user, err
	}
	user, ok := identity.User.(U)
	if !ok {
		return user, fmt.Errorf("auth: the user is a %T, not a %T", identity.User, user)
	}
	return user, nil
}

// IdentityFrom returns the identity behind User, by the same rules.
func IdentityFrom(ctx context.Context) (Identity, error) {
	a := visitorOf(ctx)
	if a == nil {
		return Identity{}, ErrNoMiddleware
	}
	identity, err := a.resolve(ctx)
	if err != nil {
		return Identity{}, err
	}
	if identity == nil {
		return Identity{}, ErrAnonymous
	}
	return *identity, nil
}

// adopted completes what an app's Identify gave for good credentials.
func adopted(identity *Identity, err error, by string, expires time.Time) (*Identity, error) {
	if err != nil {
		return nil, err
	}
	if identity == nil {
		return nil, badCredentials(by, "unknown-user")
	}
	own := *identity // the app may keep its own
	if own.Expires.IsZero() {
		own.Expires = expires
	}
	if own.Via == "" {
		own.Via = by
	}
	return &own, nil
}
