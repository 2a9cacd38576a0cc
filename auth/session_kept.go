package auth

import (
	"context"
	"time"

	"github.com/alexedwards/scs/v2"
)

// A login of which tickets were made is kept in the store beside its session, whose token
// changes. What is kept is nobody's session where somebody shows its key as a token: a
// ticket names the login, and so the key.
const (
	keptUser  = "parley.kept.user"
	keptStamp = "parley.kept.stamp"
)

// keptKey is where a login is kept. It is as long as scs's own tokens: stores have columns
// of that width.
func keptKey(login string) string { return digest("kept." + login) }

// keep keeps the login of ctx's session until it ends. What ends it at the same time in
// another process is noticed afterwards.
func (s *Sessions) keep(ctx context.Context, login string) error {
	session, m := s.session(ctx), s.options.Manager
	return session.merged(ctx, func() error {
		if session.gone || loginSubject(m, ctx) != login {
			return badCredentials("ticket", "revoked")
		}
		if err := s.writeLogin(ctx, login); err != nil {
			return unavailable("keeping a login", err)
		}
		token := m.Token(ctx)
		if !session.stored(token) {
			return nil // the answer will save it
		}
		fresh, _, err := loadSession(valueless{ctx}, m, token)
		switch {
		case err != nil:
			return unavailable("loading session", err)
		case loginSubject(m, fresh) == login:
			return nil
		}
		if err = forgetLogin(ctx, m, login); err != nil {
			return err
		}
		return badCredentials("ticket", "revoked")
	})
}

func (s *Sessions) writeLogin(ctx context.Context, login string) error {
	m := s.options.Manager
	expires := m.Deadline(ctx)
	if m.IdleTimeout > 0 {
		expires = earlier(expires, time.Now().Add(m.IdleTimeout))
	}
	b, err := m.Codec.Encode(expires, map[string]any{
		keptUser: m.GetString(ctx, userKey), keptStamp: m.GetString(ctx, stampKey),
	})
	if err != nil {
		return err
	}
	store := &recordingStore{Store: m.Store}
	return store.CommitCtx(ctx, keptKey(login), b, expires)
}

// kept returns the user of a login that was kept, or nil if it has ended.
func (s *Sessions) kept(ctx context.Context, login string) (*Identity, error) {
	store := &recordingStore{Store: s.options.Manager.Store}
	b, found, err := store.FindCtx(ctx, keptKey(login))
	if err != nil || !found {
		return nil, err
	}
	expires, values, err := s.options.Manager.Codec.Decode(b)
	if err != nil || !time.Now().Before(expires) {
		return nil, err
	}
	id, _ := values[keptUser].(string)
	stamp, _ := values[keptStamp].(string)
	if id == "" {
		return nil, nil
	}
	identity, err := s.options.Identify(ctx, id)
	if err != nil || identity == nil || identity.Stamp != stamp {
		return nil, err
	}
	return identity, nil
}

// forgetLogin ends the tickets of a login.
func forgetLogin(ctx context.Context, manager *scs.SessionManager, login string) error {
	if login == "" {
		return nil
	}
	var err error
	if store, ok := manager.Store.(scs.CtxStore); ok {
		err = store.DeleteCtx(ctx, keptKey(login))
	} else {
		err = manager.Store.Delete(keptKey(login))
	}
	if err != nil {
		return unavailable("ending tickets", err)
	}
	return nil
}

// forgetLoaded ends the tickets of the login that the session was loaded with.
func (s *session) forgetLoaded(ctx context.Context) error {
	_, was, err := s.manager.Codec.Decode(s.base)
	if err != nil {
		return err
	}
	login, _ := was[loginKey].(string)
	if login == "" {
		return nil
	}
	return forgetLogin(ctx, s.manager, sessionSubject(login))
}
