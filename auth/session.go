package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/alexedwards/scs/v2"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/wiring"
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
// What was changed is saved when the answer begins, and the cookie set: on the
// head of a response, and on accept or denial of a handshake, also where the app leaves
// the answer to an error that is the client's. Nothing is saved if the status is 500. A
// session without values is deleted, and its cookie too. Later changes, those of an open
// socket in particular, are saved by SaveSession.
//
// Requests of one browser run at the same time. So only what this one has changed
// is written, over what the store has by then: other requests keep what they have
// written, and of two that change the same value the last one counts. A session
// that was ended or renewed elsewhere meanwhile is not saved, and its cookie is
// left alone, since the client may have a newer one. Within a process that holds
// exactly; between processes it holds but for the moment between the store's Find
// and Commit, since stores of scs can't compare and set.
//
// While the store is down the answer is 503.
//
// LoadAndSave wraps the conn. For handlers that shall run natively put scs's own
// middleware above it, nethttp.Middleware(manager.LoadAndSave): this one then
// leaves saving to that one and wraps nothing, as below another one with the
// same manager. Login and Logout work all the same; whether it is too late for a
// cookie nobody can tell then, and HTTP answers are saved whole, as scs does it.
func LoadAndSave(manager *scs.SessionManager) parley.Middleware {
	if manager == nil {
		panic("auth: LoadAndSave of a nil manager")
	}
	return func(next parley.App) parley.App {
		wiring.Need("auth: LoadAndSave", "app", next)
		return &sessionApp{next, manager}
	}
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
	loaded, base, err := loadSession(ctx, a.manager, token)
	if err != nil {
		return unavailable("loading session", err)
	}
	if loaded == ctx { // another one above has loaded it, and will save it
		ctx, err := a.joined(ctx)
		if err != nil {
			return err
		}
		return a.next.Serve(ctx, scope, conn)
	}
	s := &session{manager: a.manager, loaded: a.manager.Token(loaded), base: base}
	loaded = context.WithValue(loaded, sessionKey{}, s)
	saving := &sessionConn{
		Conn: conn, session: s, ctx: loaded, handshake: scope.Protocol == parley.WebSocket,
	}
	return saving.failed(ctx, scope, a.next.Serve(loaded, scope, saving))
}

// joined has Sessions and SaveSession find a session that scs's own middleware has
// loaded.
func (a *sessionApp) joined(ctx context.Context) (context.Context, error) {
	if s := sessionOf(ctx); s != nil && s.manager == a.manager {
		return ctx, nil
	}
	base, err := a.manager.Codec.Encode(a.manager.Deadline(ctx), sessionValues(a.manager, ctx))
	if err != nil {
		return nil, fmt.Errorf("auth: encoding session: %w", err)
	}
	token := a.manager.Token(ctx)
	s := &session{manager: a.manager, loaded: token, base: base, told: token, foreign: true}
	return context.WithValue(ctx, sessionKey{}, s), nil
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

// sessionConn saves the session as the answer begins.
type sessionConn struct {
	parley.Conn
	session   *session
	ctx       context.Context // which scs keeps the session in; an app may send with another
	handshake bool
}

// Unwrap tells that messages pass unchanged.
func (c *sessionConn) Unwrap() parley.Conn { return c.Conn }

func (c *sessionConn) Send(ctx context.Context, event parley.Event) error {
	if c.handshake && !c.session.isAnswered() {
		event = protocol.Denial(event)
	}
	status := protocol.AnswerStatus(event)
	if status == 0 {
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
