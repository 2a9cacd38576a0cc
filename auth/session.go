package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/middleware"
)

var (
	// ErrNoSession: LoadAndSave does not stand above.
	ErrNoSession = errors.New("auth: no session here: put auth.LoadAndSave above")

	// ErrSessionGone: the session was ended elsewhere, by a logout for
	// instance. Saving it would bring it back.
	ErrSessionGone = errors.New("auth: session was ended elsewhere")

	// ErrTooLate: the answer has gone out, so no cookie can be set any more.
	ErrTooLate = errors.New("auth: answer has gone out without this session's cookie")
)

// LoadAndSave gives HTTP requests and sockets the session of their cookie, which the
// app reads and writes with manager and its ctx:
//
//	manager.Put(ctx, "theme", "dark")
//
// The manager's own settings hold: store, lifetime, idle timeout, cookie. Of
// several cookies of that name the first counts: browsers send the one with the
// most specific path first.
//
// A session that was modified is saved when the answer begins, and its cookie
// set: on the head of a response, and on accept or denial of a handshake. It is
// not saved if the status is 500. A session without values is deleted, and its
// cookie too. Later changes, those of an open socket in particular, are saved by
// SaveSession. A session that was ended elsewhere meanwhile is not saved: its
// cookie is deleted.
//
// LoadAndSave wraps the conn. For handlers that shall run natively put scs's own
// middleware above it, nethttp.Middleware(manager.LoadAndSave): this one then
// leaves saving to that one and wraps nothing, as below another one with the
// same manager. Login and Logout work all the same; whether it is too late for a
// cookie nobody can tell then.
func LoadAndSave(manager *scs.SessionManager) parley.Middleware {
	if manager == nil {
		panic("auth: LoadAndSave of a nil manager")
	}
	return func(next parley.App) parley.App { return &sessionApp{next, manager} }
}

type sessionApp struct {
	next    parley.App
	manager *scs.SessionManager
}

const (
	maxCookies = 64 << 10 // bytes of Cookie lines; browsers stop at about 4 KiB a cookie
	maxToken   = 256      // scs's own have 43
)

func (a *sessionApp) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if !protocol.Requested(scope) {
		return a.next.Serve(ctx, scope, conn)
	}
	token, refusal := sessionToken(scope.Request, a.manager.Cookie.Name)
	if refusal != nil {
		return middleware.Refuse(ctx, scope, conn, nil, refusal)
	}
	loaded, err := a.manager.Load(ctx, token)
	if err != nil {
		return fmt.Errorf("auth: loading session: %w", err)
	}
	if loaded == ctx { // another one above has loaded it, and will save it
		return a.next.Serve(a.joined(ctx), scope, conn)
	}
	s := &session{manager: a.manager, loaded: a.manager.Token(loaded)}
	loaded = context.WithValue(loaded, sessionKey{}, s)
	return a.next.Serve(loaded, scope, &sessionConn{Conn: conn, session: s, ctx: loaded})
}

// joined has Sessions and SaveSession find a session that scs's own middleware
// has loaded.
func (a *sessionApp) joined(ctx context.Context) context.Context {
	if s := sessionOf(ctx); s != nil && s.manager == a.manager {
		return ctx
	}
	token := a.manager.Token(ctx)
	return context.WithValue(ctx, sessionKey{}, &session{manager: a.manager, loaded: token, told: token, foreign: true})
}

func sessionToken(r *http.Request, name string) (string, *middleware.Refusal) {
	size := 0
	for _, line := range r.Header["Cookie"] {
		size += len(line)
	}
	if size > maxCookies {
		return "", &middleware.Refusal{By: "session", Reason: "malformed", Status: http.StatusBadRequest,
			Detail: fmt.Sprintf("%d bytes of cookies", size)}
	}
	cookie, err := r.Cookie(name)
	if err != nil || len(cookie.Value) > maxToken {
		return "", nil // as good as none: a browser can't be told to mend its cookie by an error
	}
	return cookie.Value, nil
}

// session is what LoadAndSave knows of one conversation's session beyond scs.
type session struct {
	manager *scs.SessionManager
	loaded  string // the token it came with, "" if it is new
	foreign bool   // scs's own middleware above saves it, when we don't know

	mu       sync.Mutex // one save at a time
	answered bool
	told     string // the token that the client has: loaded, or set with the answer
}

type sessionKey struct{}

func sessionOf(ctx context.Context) *session {
	s, _ := ctx.Value(sessionKey{}).(*session)
	return s
}

// SaveSession saves the session of ctx now: for changes that an open socket, or a
// response that has begun, has made. The error is ErrNoSession, ErrSessionGone,
// ErrTooLate if the client does not have the session's cookie, or the store's.
func SaveSession(ctx context.Context) error {
	s := sessionOf(ctx)
	if s == nil {
		return ErrNoSession
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.answered && !s.foreign {
		return nil // the answer will save it
	}
	token := s.manager.Token(ctx)
	if token == "" || token != s.told {
		return ErrTooLate
	}
	gone, err := s.gone(ctx, token)
	if err != nil {
		return err
	}
	if gone {
		return ErrSessionGone
	}
	_, _, err = s.manager.Commit(ctx)
	return err
}

// gone tells whether the store has lost a session that was in it.
func (s *session) gone(ctx context.Context, token string) (bool, error) {
	found, err := s.manager.Load(valueless{ctx}, token)
	if err != nil {
		return false, fmt.Errorf("auth: loading session: %w", err)
	}
	return s.manager.Token(found) == "", nil
}

// valueless hides the session in a context, so that it is loaded afresh.
type valueless struct{ context.Context }

func (valueless) Value(any) any { return nil }

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
	if what == scs.Destroyed || len(s.manager.Keys(ctx)) == 0 {
		return s.end(ctx, token)
	}
	if token != "" && token == s.loaded {
		if gone, err := s.gone(ctx, token); err != nil || gone {
			return s.cookie(ctx, "", time.Time{}), err
		}
	}
	token, expires, err := s.manager.Commit(ctx)
	if err != nil {
		return nil, fmt.Errorf("auth: saving session: %w", err)
	}
	s.told = token
	return s.cookie(ctx, token, expires), nil
}

// end deletes a session that is empty, and the client's cookie if it has one.
func (s *session) end(ctx context.Context, token string) (http.Header, error) {
	if token != "" {
		if err := s.manager.Destroy(ctx); err != nil {
			return nil, fmt.Errorf("auth: deleting session: %w", err)
		}
	}
	s.told = ""
	if s.loaded == "" {
		return nil, nil
	}
	return s.cookie(ctx, "", time.Time{}), nil
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

// sessionConn saves the session as the answer begins.
type sessionConn struct {
	parley.Conn
	session *session
	ctx     context.Context // which scs keeps the session in; an app may send with another
}

// Unwrap tells that messages pass unchanged.
func (c *sessionConn) Unwrap() parley.Conn { return c.Conn }

func (c *sessionConn) Send(ctx context.Context, event parley.Event) error {
	status := 0
	switch e := event.(type) {
	case parley.HTTPResponseStart:
		status = e.Status
	case parley.WebSocketAccept:
		status = http.StatusSwitchingProtocols
	case parley.WebSocketDeny:
		status = cmp.Or(e.Status, http.StatusForbidden)
	case parley.WebSocketResponseStart:
		status = e.Status
	default:
		return c.Conn.Send(ctx, event)
	}
	header, err := c.session.answer(c.ctx, status)
	if err != nil {
		return err
	}
	if header != nil {
		event = protocol.WithHeader(event, header)
	}
	return c.Conn.Send(ctx, event)
}
