package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/alexedwards/scs/v2"
	"github.com/parleygo/parley"
)

// SessionOptions configure a Sessions.
type SessionOptions struct {
	// Manager is that of LoadAndSave above.
	Manager *scs.SessionManager

	// Identify makes an identity of the id that was logged in; nil, nil is
	// nobody any more: the session ends. Its Stamp must be the one of the
	// login, or the session ends as well. Expires is the session's where it
	// sets none.
	Identify func(ctx context.Context, id string) (*Identity, error)
}

// Sessions authenticates with the session: whoever was logged in by Login. It
// is safe for concurrent use.
type Sessions struct{ options SessionOptions }

// What the session holds of a login.
const (
	userKey  = "parley.user"
	stampKey = "parley.stamp"
)

// NewSessions makes a Sessions. It panics without Manager or Identify.
func NewSessions(options SessionOptions) *Sessions {
	if options.Manager == nil || options.Identify == nil {
		panic("auth: Sessions needs Manager and Identify")
	}
	return &Sessions{options}
}

func (*Sessions) ambient() {}

// Authenticate implements Authenticator.
func (s *Sessions) Authenticate(ctx context.Context, _ *parley.Scope) (*Identity, error) {
	session := sessionOf(ctx)
	if session == nil || session.manager != s.options.Manager {
		return nil, ErrNoSession
	}
	id := s.options.Manager.GetString(ctx, userKey)
	if id == "" {
		return nil, nil
	}
	identity, err := s.options.Identify(ctx, id)
	if err != nil {
		return nil, err
	}
	if identity == nil || identity.Stamp != s.options.Manager.GetString(ctx, stampKey) {
		return nil, s.destroy(ctx)
	}
	return s.complete(ctx, identity), nil
}

// complete adds what the session knows.
func (s *Sessions) complete(ctx context.Context, identity *Identity) *Identity {
	own, _ := adopted(identity, nil, "session", s.options.Manager.Deadline(ctx))
	if token := s.options.Manager.Token(ctx); token != "" {
		own.session = sessionSubject(token)
	}
	return own
}

func (s *Sessions) destroy(ctx context.Context) error {
	if err := s.options.Manager.Destroy(ctx); err != nil {
		return fmt.Errorf("auth: ending session: %w", err)
	}
	return nil
}

// Login makes identity the user of the session, and of this conversation. The
// session gets a new token, so that one that was planted on the client before is
// worth nothing, unless the same user was logged in already; if another user was,
// what the session held is discarded, and what they have open with it is revoked.
// It has to come before the answer, which carries the cookie: ErrTooLate
// otherwise. A socket that was anonymous when its handshake came is not watched for
// expiry and revocation until it connects again. Other errors are ErrNoSession, one for an identity without ID, and
// the store's.
func (s *Sessions) Login(ctx context.Context, identity *Identity) error {
	session := sessionOf(ctx)
	switch {
	case session == nil || session.manager != s.options.Manager:
		return ErrNoSession
	case identity == nil || identity.ID == "":
		return errors.New("auth: login of nobody")
	case session.isAnswered():
		return ErrTooLate
	}
	m := s.options.Manager
	before := m.GetString(ctx, userKey)
	if before != identity.ID || m.GetString(ctx, stampKey) != identity.Stamp {
		if before != "" {
			if err := s.revoke(ctx); err != nil {
				return err
			}
			if err := m.Clear(ctx); err != nil {
				return fmt.Errorf("auth: clearing session: %w", err)
			}
		}
		if err := m.RenewToken(ctx); err != nil {
			return fmt.Errorf("auth: renewing session: %w", err)
		}
	}
	m.Put(ctx, userKey, identity.ID)
	m.Put(ctx, stampKey, identity.Stamp)
	if a := visitorOf(ctx); a != nil {
		a.set(ctx, s.complete(ctx, identity))
	}
	return nil
}

// Logout ends the session, and closes what was opened with it on any process if
// Middleware has Revocations; this conversation, too, if it is a socket. It may come
// after the answer. Nobody logged in is no error. Errors are ErrNoSession and
// those of store and Revocations.
func (s *Sessions) Logout(ctx context.Context) error {
	session := sessionOf(ctx)
	if session == nil || session.manager != s.options.Manager {
		return ErrNoSession
	}
	subject := sessionSubject(s.options.Manager.Token(ctx))
	known := s.options.Manager.Token(ctx) != ""
	if err := s.destroy(ctx); err != nil {
		return err
	}
	a := visitorOf(ctx)
	if a == nil {
		return nil
	}
	a.set(ctx, nil)
	if known && a.app.options.Revocations != nil {
		return a.app.options.Revocations.Revoke(ctx, subject)
	}
	return nil
}

// revoke closes what was opened with the session as it is.
func (s *Sessions) revoke(ctx context.Context) error {
	a, token := visitorOf(ctx), s.options.Manager.Token(ctx)
	if a == nil || a.app.options.Revocations == nil || token == "" {
		return nil
	}
	return a.app.options.Revocations.Revoke(ctx, sessionSubject(token))
}

func (s *session) isAnswered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answered
}
