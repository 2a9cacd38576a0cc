package fallback

import (
	"context"
	"errors"
	"net/http"
	"unicode/utf8"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// serveHTTP serves one request of a client without a socket. A request for a
// session is answered alike whether the session is not there or somebody else's.
func (a *App) serveHTTP(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	serve := (*App).serveGet
	switch scope.Method() {
	case http.MethodGet:
	case http.MethodPost:
		serve = (*App).servePost
	case http.MethodDelete:
		serve = (*App).serveDelete
	case http.MethodOptions:
		return answer(ctx, conn, http.StatusNoContent, http.Header{"Allow": {methods}})
	default: // a HEAD would open a session that nobody knows of
		return answer(ctx, conn, http.StatusMethodNotAllowed, http.Header{"Allow": {methods}})
	}
	ask, err := a.options.read(scope.Request)
	if err != nil {
		return answer(ctx, conn, http.StatusBadRequest, nil)
	}
	subject, err := subjectOf(ctx)
	if err != nil {
		return err
	}
	if ask.session == "" && scope.Method() == http.MethodGet {
		return a.open(ctx, scope, conn, &ask, subject)
	}
	s := a.sessions.find(ask.session)
	if s == nil || !s.owner.is(subject, ask.secrets) {
		a.counters.strange.Add(1)
		return answer(ctx, conn, http.StatusNotFound, nil)
	}
	return serve(a, &visit{ctx, scope, conn, &ask, s})
}

const methods = "OPTIONS, GET, POST, DELETE"

// visit is a request of a session's owner.
type visit struct {
	ctx     context.Context
	scope   *parley.Scope
	conn    parley.Conn
	ask     *asked
	session *session
}

func (v *visit) answer(status int) error { return answer(v.ctx, v.conn, status, nil) }

// serveGet attaches to the session.
func (a *App) serveGet(v *visit) error {
	held, ok := v.session.attach(v.ask.cursor)
	if !ok { // what the client has missed is not there any more
		v.session.lose()
		return v.answer(http.StatusNotFound)
	}
	return v.receive(held, nil)
}

// receive hands out what the session has.
func (v *visit) receive(held *attachment, header http.Header) error {
	r := &receiver{session: v.session, held: held, ctx: v.ctx, conn: v.conn}
	defer v.session.detach(held)
	if v.ask.streams {
		return r.stream(v.ask.cursor, header)
	}
	return r.poll(v.ask.cursor, header)
}

// serveDelete is the client's goodbye, with a code and a reason as of a close frame.
func (a *App) serveDelete(v *visit) error {
	code, reason, ok := goodbyeOf(v.scope.Request)
	if !ok {
		v.session.fail(parley.ErrPeerProtocol)
		return v.answer(http.StatusBadRequest)
	}
	v.session.end(parley.WebSocketDisconnect{
		Code: code, Reason: reason, Cause: &parley.CloseError{Code: code, Reason: reason},
	})
	return v.answer(http.StatusNoContent)
}

// goodbyeOf returns what a goodbye says. One without a code is 1005, as of a frame
// without.
func goodbyeOf(r *http.Request) (code parley.CloseCode, reason string, ok bool) {
	query := r.URL.Query()
	if reason = query.Get("reason"); protocol.CutReason(reason) != reason {
		return 0, "", false
	}
	text := query.Get("code")
	if text == "" {
		return parley.CloseNoStatus, "", reason == ""
	}
	code, ok = parseCode(text)
	return code, reason, ok && code.Sendable()
}

// servePost takes a message of the client. Messages of one session come in one
// after the other, so that no more than one of them is in memory beside those that
// wait for the app.
func (a *App) servePost(v *visit) error {
	var body []byte
	if v.mayPing() {
		var err error
		if body, err = v.readBody(v.conn); err != nil {
			return v.refused(err)
		} else if protocol.IsPing(v.kind(), body) {
			return v.beat()
		}
	}
	if err := v.session.begin(v.ctx, v.ask.message); err != nil {
		return v.refused(err)
	}
	defer v.session.done()
	return v.serveMessage(body)
}

// readBody reads a message, while the session lasts: nobody hears what is still coming of
// one whose user has been logged out, however long that takes.
func (v *visit) readBody(conn parley.Conn) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(v.ctx)
	defer cancel(nil)
	defer context.AfterFunc(v.session.ctx, func() { cancel(parley.ErrClosed) })()
	return parley.ReadBody(ctx, conn, v.session.app.options.MaxMessage)
}

// serveMessage takes a message whose turn it is, and its body if that is read already.
func (v *visit) serveMessage(body []byte) (err error) {
	s, a := v.session, v.session.app
	coming := &reservation{Conn: v.conn, app: a}
	defer coming.giveBack()
	if body == nil {
		body, err = v.readBody(coming)
	}
	if errors.Is(err, parley.ErrTooLarge) {
		s.fail(parley.ErrTooLarge)
		return v.answer(http.StatusRequestEntityTooLarge)
	}
	if err != nil {
		return v.refused(err)
	}
	message := parley.WebSocketReceive{Type: v.kind(), Data: body}
	if message.Type == parley.TextMessage && !utf8.Valid(body) {
		s.fail(parley.ErrInvalidPayload)
		return v.answer(http.StatusBadRequest)
	}
	if err := s.push(v.ctx, message, v.ask.message); err != nil {
		return v.refused(err)
	}
	a.counters.received.Add(1)
	return v.answer(http.StatusNoContent)
}

// kind is that of the message that a request brings.
func (v *visit) kind() parley.MessageType {
	if isType(v.scope.Request.Header.Get("Content-Type"), "application/octet-stream") {
		return parley.BinaryMessage
	}
	return parley.TextMessage
}

// refused answers a message that was not taken.
func (v *visit) refused(err error) error {
	switch err {
	case parley.ErrClosed:
		return v.answer(http.StatusGone)
	case errBusy:
		return answer(v.ctx, v.conn, http.StatusTooManyRequests, http.Header{"Retry-After": {"1"}})
	case errHeard:
		return v.answer(http.StatusNoContent)
	case errEarly:
		return answer(v.ctx, v.conn, http.StatusConflict, http.Header{"Retry-After": {"1"}})
	case errBehind, errNoMemory:
		return answer(v.ctx, v.conn, http.StatusServiceUnavailable, http.Header{"Retry-After": {"1"}})
	}
	return err
}

// answer answers with a status and its text.
func answer(ctx context.Context, conn parley.Conn, status int, header http.Header) error {
	header = joined(header, nil)
	header.Set("Cache-Control", "no-store")
	if status == http.StatusNoContent {
		return parley.Respond(ctx, conn, status, header, nil)
	}
	header.Set("Content-Type", "text/plain; charset=utf-8")
	return parley.Respond(ctx, conn, status, header, []byte(http.StatusText(status)+"\n"))
}
