package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parleygo/parley"
)

var (
	// ErrAnonymous: nobody has shown who they are.
	ErrAnonymous = errors.New("auth: nobody is logged in")

	// ErrNoMiddleware: Middleware does not stand above.
	ErrNoMiddleware = errors.New("auth: no authentication here: put auth.Middleware above")

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
	// closed with 4401 then, unless it was renewed.
	Expires time.Time

	// Via says how the user showed who they are: "session", "bearer" and so on.
	Via string

	// Stamp changes when the user's sessions shall end, as when a new password
	// is set: a hash of it will do. See Sessions.
	Stamp string

	session string // the subject under which its session is revoked, or ""
}

// Authenticator finds out who is talking from one kind of credentials.
//
// It returns nil, nil if the request has none of them. For credentials that are
// no good it returns a *middleware.Refusal, with status 401 or 400, which holds nothing
// secret; any other error is trouble of its own and fails the conversation.
// It may be called by many conversations at once.
type Authenticator interface {
	Authenticate(ctx context.Context, scope *parley.Scope) (*Identity, error)
}

// AuthenticatorFunc makes an Authenticator of a function.
type AuthenticatorFunc func(ctx context.Context, scope *parley.Scope) (*Identity, error)

// Authenticate calls f.
func (f AuthenticatorFunc) Authenticate(ctx context.Context, scope *parley.Scope) (*Identity, error) {
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
