package auth

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
)

// session is what LoadAndSave knows of one conversation's session beyond scs.
type session struct {
	manager *scs.SessionManager
	loaded  string // the token it came with, "" if it is new
	foreign bool   // scs's own middleware above saves it, when we don't know

	mu       sync.Mutex // one save at a time
	base     []byte     // what the store had when it was loaded or saved, encoded
	answered bool
	told     string // the token that the client has: loaded, or set with the answer
	gone     bool   // ended elsewhere
}

type sessionKey struct{}

func sessionOf(ctx context.Context) *session {
	s, _ := ctx.Value(sessionKey{}).(*session)
	return s
}

// SaveSession saves what was changed in the session of ctx now, and takes over
// what others have changed: for an open socket, or a response that has begun. The
// error is ErrNoSession, ErrSessionGone, ErrTooLate if the client does not have the
// session's cookie, or ErrUnavailable.
func SaveSession(ctx context.Context) error {
	s := sessionOf(ctx)
	if s == nil {
		return ErrNoSession
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	token := s.manager.Token(ctx)
	switch {
	case !s.answered && !s.foreign:
		return nil // the answer will save it
	case s.gone:
		return ErrSessionGone
	case token == "" || token != s.told:
		return ErrTooLate
	}
	defer saving.lock(token)()
	changed, err := s.merge(ctx, token)
	switch {
	case err != nil:
		return err
	case s.gone:
		return ErrSessionGone
	case !changed:
		return nil
	}
	_, err = s.commit(ctx)
	return err
}

// answer saves the session as the answer begins and returns the headers for it.
func (s *session) answer(ctx context.Context, status int) (http.Header, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answered {
		return nil, nil
	}
	s.answered, s.told = true, s.loaded
	what := s.manager.Status(ctx)
	if what == scs.Unmodified || status == http.StatusInternalServerError {
		return nil, nil
	}
	token := s.manager.Token(ctx)
	defer saving.lock(token)()
	if token != "" && token == s.loaded {
		changed, err := s.merge(ctx, token)
		if err != nil || !changed && !s.gone {
			return nil, err
		}
	}
	if s.gone {
		s.told = "" // whoever has ended it has told the client, who may have a newer one
		return nil, nil
	}
	if what == scs.Destroyed || len(s.manager.Keys(ctx)) == 0 {
		return s.end(ctx, token)
	}
	expires, err := s.commit(ctx)
	if err != nil {
		return nil, err
	}
	s.told = s.manager.Token(ctx)
	return s.cookie(ctx, s.told, expires), nil
}

// end deletes a session that is empty, and the client's cookie if it has one.
func (s *session) end(ctx context.Context, token string) (http.Header, error) {
	if token != "" {
		if err := s.manager.Destroy(ctx); err != nil {
			return nil, unavailable("deleting session", err)
		}
	}
	s.told = ""
	if s.loaded == "" {
		return nil, nil
	}
	if err := s.forgetLoaded(ctx); err != nil {
		return nil, err
	}
	return s.cookie(ctx, "", time.Time{}), nil
}

// destroy ends the session for a logout. One that is gone already leaves the
// client's cookie alone: it is a newer login's.
func (s *session) destroy(ctx context.Context) error {
	return s.merged(ctx, func() error {
		if err := s.manager.Destroy(ctx); err != nil {
			return unavailable("ending session", err)
		}
		return nil
	})
}

// renew gives the session a new token, and keeps what others have written.
func (s *session) renew(ctx context.Context) error {
	return s.merged(ctx, func() error {
		if err := s.manager.RenewToken(ctx); err != nil {
			return unavailable("renewing session", err)
		}
		s.gone = false
		return nil
	})
}

// merged calls change when what others have written is in the session, with the locks
// held.
func (s *session) merged(ctx context.Context, change func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := s.manager.Token(ctx)
	defer saving.lock(token)()
	if s.stored(token) {
		if _, err := s.merge(ctx, token); err != nil {
			return err
		}
	}
	return change()
}

// stored reports whether the store should have the session by now.
func (s *session) stored(token string) bool {
	return token != "" && (token == s.loaded || token == s.told)
}

// has is stored, for who does not hold the lock.
func (s *session) has(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stored(token)
}

// cookie has scs write its cookie.
func (s *session) cookie(ctx context.Context, token string, expires time.Time) http.Header {
	header := http.Header{"Vary": {"Cookie"}}
	s.manager.WriteSessionCookie(ctx, headerWriter{header: header}, token, expires)
	return header
}

// headerWriter is as much of a ResponseWriter as setting a cookie takes.
type headerWriter struct {
	http.ResponseWriter
	header http.Header
}

func (w headerWriter) Header() http.Header { return w.header }

func (s *session) isAnswered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answered
}
