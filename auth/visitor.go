package auth

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/identity"
	"github.com/parleygo/parley/middleware"
)

// visitor is what is known of the user of one conversation.
type visitor struct {
	guard *guard
	scope *parley.Scope
	live  live // the conversation, once it is served

	mu       sync.Mutex
	pending  []Authenticator // to be asked still
	identity *Identity
	by       Authenticator // who gave the identity, to be asked again
	err      error
	claims   []*watch // of transports that outlive this request
}

func visitorOf(ctx context.Context) *visitor {
	v, _ := identity.From(ctx).(*visitor)
	return v
}

// arrive looks at what the client shows.
func (v *visitor) arrive(ctx context.Context) error {
	identity, err := v.resolve(ctx)
	if err != nil || identity != nil {
		return err
	}
	v.pending = v.guard.ambient
	if v.scope.Protocol == parley.WebSocket {
		_, err = v.resolve(ctx)
	}
	return err
}

// resolve asks the authenticators that were not asked yet.
func (v *visitor) resolve(ctx context.Context) (*Identity, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for len(v.pending) > 0 && v.identity == nil && v.err == nil {
		by := v.pending[0]
		identity, err := by.Authenticate(ctx, v.scope)
		if err != nil && ctx.Err() != nil {
			return nil, err // it says nothing of the user
		}
		v.pending = v.pending[1:]
		if identity, err = checked(identity, err); identity != nil {
			v.found(ctx, identity, by)
		}
		v.err = err
	}
	return v.identity, v.err
}

// found is called under the lock.
func (v *visitor) found(ctx context.Context, identity *Identity, by Authenticator) {
	v.pending, v.identity, v.by, v.err = nil, identity, by, nil
	middleware.LogUser(ctx, identity.ID)
	v.live.show(&identity.ID)
	if v.scope.Protocol == parley.HTTP {
		v.live.watchLater(v)
	}
}

func checked(identity *Identity, err error) (*Identity, error) {
	switch {
	case err != nil:
		return nil, unavailable("asking who it is", err)
	case identity != nil && identity.ID == "":
		return nil, errors.New("auth: an authenticator gave an identity without ID")
	case identity != nil && !identity.Expires.IsZero() && !time.Now().Before(identity.Expires):
		return nil, badCredentials("auth", "expired")
	}
	return identity, nil
}

// known returns the identity, and who gave it. It is an error if a logout has
// come in between.
func (v *visitor) known() (Identity, Authenticator, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.identity == nil {
		return Identity{}, nil, badCredentials("auth", "revoked")
	}
	return *v.identity, v.by, nil
}

// again looks at the credentials once more, for what has changed since.
func (v *visitor) again(
	ctx context.Context, known Identity, by Authenticator,
) (identity *Identity, err error) {
	switch by := by.(type) {
	case nil:
		return &known, nil // it was logged in, or renewed, by this conversation
	case Rechecker:
		identity, err = by.Recheck(ctx, v.scope, known)
	default:
		identity, err = by.Authenticate(ctx, v.scope)
	}
	if identity, err = checked(identity, err); err != nil {
		return nil, err
	}
	if identity == nil || identity.ID != known.ID || identity.Stamp != known.Stamp {
		return nil, badCredentials("auth", "revoked")
	}
	return identity, nil
}

// become is for a login or, with nil, a logout in this conversation.
func (v *visitor) become(ctx context.Context, identity *Identity) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pending, v.identity, v.by, v.err = nil, nil, nil, nil
	if identity != nil {
		v.found(ctx, identity, nil)
	} else {
		v.live.show(nil)
	}
}

func (v *visitor) is(id string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.identity != nil && v.identity.ID == id
}

// exempt lets an HTTP request go on that ends what its own identity has open: its
// answer says so to the client.
func (v *visitor) exempt() {
	if v.scope.Protocol == parley.HTTP {
		v.live.leave()
	}
}

// badCredentials is the refusal of an authenticator. It never holds what it was
// shown.
func badCredentials(by, reason string) *middleware.Refusal {
	return &middleware.Refusal{By: by, Reason: reason, Status: http.StatusUnauthorized}
}
