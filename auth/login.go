package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/alexedwards/scs/v2"
	"github.com/parleygo/parley"
)

// SessionOptions configure Sessions.
type SessionOptions struct {
	// Manager is that of LoadAndSave above. Sessions cannot do without.
	Manager *scs.SessionManager

	// Identify makes an identity of the id that was logged in; nil, nil is
	// nobody any more: the session ends. Its Stamp must be the one of the
	// login, or the session ends as well. Expires is the session's where it
	// sets none.
	Identify func(ctx context.Context, id string) (*Identity, error)
}

// Sessions authenticates with the session: whoever was logged in by Login. It is
// safe for concurrent use.
type Sessions struct{ options SessionOptions }

// What the session holds of a login.
const (
	userKey  = "parley.user"
	stampKey = "parley.stamp"
	loginKey = "parley.login" // names the login, whatever the token is by now
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
	session := s.session(ctx)
	if session == nil {
		return nil, ErrNoSession
	}
	m := s.options.Manager
	id := m.GetString(ctx, userKey)
	if id == "" {
		return nil, nil
	}
	identity, err := s.options.Identify(ctx, id)
	if err != nil {
		return nil, err
	}
	if identity == nil || identity.Stamp != m.GetString(ctx, stampKey) {
		return nil, session.destroy(ctx)
	}
	return s.complete(ctx, identity), nil
}

// Recheck implements Rechecker: it looks at the session as the store has it now. One
// whose token was renewed meanwhile counts as gone, since the store cannot tell that
// from a logout: the client comes back with its newer cookie.
func (s *Sessions) Recheck(
	ctx context.Context, _ *parley.Scope, known Identity,
) (*Identity, error) {
	session, m := s.session(ctx), s.options.Manager
	if token := m.Token(ctx); session.has(token) {
		fresh, _, err := loadSession(valueless{ctx}, m, token)
		if err != nil {
			return nil, err
		}
		if m.GetString(fresh, userKey) != known.ID || loginSubject(m, fresh) != known.session {
			return nil, nil
		}
	}
	identity, err := s.options.Identify(ctx, known.ID)
	if err != nil || identity == nil {
		return nil, err
	}
	return s.complete(ctx, identity), nil
}

// session returns that of LoadAndSave above, or nil.
func (s *Sessions) session(ctx context.Context) *session {
	session := sessionOf(ctx)
	if session == nil || session.manager != s.options.Manager {
		return nil
	}
	return session
}

// complete adds what the session knows.
func (s *Sessions) complete(ctx context.Context, identity *Identity) *Identity {
	m := s.options.Manager
	own, _ := adopted(identity, nil, "session", m.Deadline(ctx))
	own.session = loginSubject(m, ctx)
	return own
}

// loginSubject is the subject of what was opened with a login, which is not
// changed by a renewal of its token.
func loginSubject(manager *scs.SessionManager, ctx context.Context) string {
	login := manager.GetString(ctx, loginKey)
	if login == "" {
		return ""
	}
	return sessionSubject(login)
}

// Login makes identity the user of the session, and of this conversation. The
// session gets a new token, so that one that was planted on the client before is
// worth nothing, unless the same user was logged in already; if another user was,
// what the session held is discarded, and what they have open with it is ended.
// It has to come before the answer, which carries the cookie: ErrTooLate
// otherwise. A socket that was anonymous when its handshake came is not watched
// for expiry and revocation until it connects again. Other errors are
// ErrNoSession, one for an identity without ID, and ErrUnavailable.
func (s *Sessions) Login(ctx context.Context, identity *Identity) error {
	session := s.session(ctx)
	switch {
	case session == nil:
		return ErrNoSession
	case identity == nil || identity.ID == "":
		return errors.New("auth: login of nobody")
	case session.isAnswered():
		return ErrTooLate
	}
	m := s.options.Manager
	before := m.GetString(ctx, userKey)
	if before != identity.ID || m.GetString(ctx, stampKey) != identity.Stamp {
		if err := s.begin(ctx, session, before); err != nil {
			return err
		}
	}
	m.Put(ctx, userKey, identity.ID)
	m.Put(ctx, stampKey, identity.Stamp)
	if v := visitorOf(ctx); v != nil {
		v.become(ctx, s.complete(ctx, identity))
	}
	return nil
}

// begin begins another login in the session.
func (s *Sessions) begin(ctx context.Context, session *session, before string) error {
	m := s.options.Manager
	if err := session.renew(ctx); err != nil {
		return err
	}
	if before != "" {
		if err := s.revoke(ctx); err != nil {
			return err
		}
		if err := m.Clear(ctx); err != nil {
			return fmt.Errorf("auth: clearing session: %w", err)
		}
	}
	m.Put(ctx, loginKey, rand.Text())
	return nil
}

// Logout ends the session, and what was opened with it, in every process that
// Middleware's Revocations reach: sockets, fallback sessions and answers that are
// under way, this conversation, too, if it is a socket. Tickets that Tickets.IssueFrom
// made of it let nobody in any more. It may come after the answer. Nobody logged in is
// no error. Errors are ErrNoSession and ErrUnavailable; if the session could be ended,
// it has ended all the same. What is open, if it is Revocations that failed, and tickets,
// if the store could not end them, then end when they expire.
func (s *Sessions) Logout(ctx context.Context) error {
	session := s.session(ctx)
	if session == nil {
		return ErrNoSession
	}
	subject := loginSubject(s.options.Manager, ctx)
	if err := session.destroy(ctx); err != nil {
		return err
	}
	err := forgetLogin(ctx, s.options.Manager, subject)
	if v := visitorOf(ctx); v != nil {
		v.become(ctx, nil)
		err = errors.Join(err, v.revoke(ctx, subject))
	}
	return err
}

// revoke ends what was opened with the session as it is, and its tickets.
func (s *Sessions) revoke(ctx context.Context) error {
	subject := loginSubject(s.options.Manager, ctx)
	err := forgetLogin(ctx, s.options.Manager, subject)
	if v := visitorOf(ctx); v != nil {
		err = errors.Join(err, v.revoke(ctx, subject))
	}
	return err
}

// revoke ends what a subject has open, but for the request that asks for it.
func (v *visitor) revoke(ctx context.Context, subject string) error {
	if subject == "" {
		return nil
	}
	v.exempt()
	if err := v.guard.options.Revocations.Revoke(ctx, subject); err != nil {
		return unavailable("telling of a revocation", err)
	}
	return nil
}
