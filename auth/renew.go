package auth

import (
	"context"
	"errors"

	"github.com/parleygo/parley"
)

// Renew takes fresh credentials for the user of an open socket, as a client sends
// them in a message before the old ones expire: a JWT for a Bearer. They must be
// the same user's. The socket lives until they expire, a fallback session just the
// same. On an error, which is ErrOtherUser, ErrAnonymous, ErrNoMiddleware,
// parley.ErrAuthExpired if it is too late, or the last authenticator's, nothing
// changes.
func Renew(ctx context.Context, credentials string) error {
	before, err := IdentityFrom(ctx)
	if err != nil {
		return err
	}
	v := visitorOf(ctx)
	err = errors.ErrUnsupported // no authenticator renews
	for _, authenticator := range v.guard.options.Authenticators {
		renewer, ok := authenticator.(Renewer)
		if !ok {
			continue
		}
		var identity *Identity
		if identity, err = checked(renewer.Renew(ctx, credentials)); err == nil && identity != nil {
			return v.renew(&before, identity)
		}
	}
	return err
}

func (v *visitor) renew(before, identity *Identity) error {
	if identity.ID != before.ID {
		return ErrOtherUser
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.identity == nil || v.identity.ID != before.ID {
		return ErrAnonymous // a logout, or another's login, has come in between
	}
	watches := v.claims
	if own := v.live.watching(); own != nil {
		watches = append(watches[:len(watches):len(watches)], own)
	}
	for _, w := range watches {
		if !w.until(identity.Expires) {
			return parley.ErrAuthExpired
		}
	}
	identity.session, identity.ticket = v.identity.session, v.identity.ticket
	v.identity, v.by = identity, nil
	return nil
}

// watching returns the watch over the conversation itself, or nil.
func (l *live) watching() *watch {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.watch
}
