package fallback

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/parleygo/parley"
)

// sessionHeader names the session in requests; the query parameter "session"
// does too.
const sessionHeader = "Parley-Session"

// serveHTTP serves one request of a client without a socket.
func (a *App) serveHTTP(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	status := http.StatusMethodNotAllowed
	switch scope.Method() {
	case http.MethodGet:
		return a.serveGet(ctx, scope, conn)
	case http.MethodPost:
		return a.servePost(ctx, scope, conn)
	case http.MethodDelete:
		return a.serveDelete(ctx, scope, conn)
	case http.MethodOptions:
		status = http.StatusNoContent
	}
	return respond(ctx, conn, status, http.Header{"Allow": {"OPTIONS, GET, POST, DELETE"}})
}

// respond answers with a status and its text.
func respond(ctx context.Context, conn parley.Conn, status int, header http.Header) error {
	if header == nil {
		header = make(http.Header, 2)
	}
	if status == http.StatusNoContent {
		return parley.Respond(ctx, conn, status, header, nil)
	}
	header.Set("Content-Type", "text/plain; charset=utf-8")
	return parley.Respond(ctx, conn, status, header, []byte(http.StatusText(status)+"\n"))
}

// serveGet finds or opens the session and attaches to it.
func (a *App) serveGet(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	streams := strings.Contains(scope.Request.Header.Get("Accept"), "text/event-stream")
	id, cursor := sessionOf(scope.Request)
	s := a.sessions.find(id)
	if s != nil {
		if held, ok := s.attach(cursor); ok {
			defer s.detach(held)
			return a.hand(ctx, conn, s, held, cursor, streams, nil)
		}
		s.end(parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: parley.ErrDisconnected})
		a.sessions.remove(s)
	}
	if id != "" && !streams {
		return respond(ctx, conn, http.StatusNotFound, nil) // expired: the client begins anew
	}
	return a.serveNew(ctx, scope, conn, streams)
}

// serveNew opens a session, and answers as the consumer answers the handshake.
func (a *App) serveNew(ctx context.Context, scope *parley.Scope, conn parley.Conn, streams bool) error {
	s, err := a.sessions.open(ctx, scope)
	if err != nil {
		return err
	}
	held, _ := s.attach(0)
	defer s.detach(held)
	if err := s.until(ctx, nil, func() bool { return s.accept != nil || s.deny != nil || s.over }); err != nil {
		s.end(parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: disconnected(err)})
		return err
	}
	switch {
	case s.accept != nil: // nobody writes these again
		return a.hand(ctx, conn, s, held, 0, streams, s.accept.Header)
	case s.deny != nil:
		a.sessions.remove(s)
		return parley.Respond(ctx, conn, s.deny.Status, s.deny.Header.Clone(), s.deny.Body)
	case s.failed == nil, errors.Is(s.failed, parley.ErrDisconnected):
		return parley.ErrDraining
	}
	return s.failed
}

func (a *App) hand(
	ctx context.Context, conn parley.Conn, s *session, held *attachment, cursor uint64, streams bool, header http.Header,
) error {
	if streams {
		return s.stream(ctx, conn, held, cursor, header)
	}
	return s.poll(ctx, conn, held, cursor, header)
}

// servePost takes a message of the client.
func (a *App) servePost(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	id, _ := sessionOf(scope.Request)
	s := a.sessions.find(id)
	if s == nil {
		return respond(ctx, conn, http.StatusNotFound, nil)
	}
	body, err := parley.ReadBody(ctx, conn, a.options.MaxMessage)
	if err != nil {
		return err
	}
	message := parley.WebSocketReceive{Data: body}
	if strings.HasPrefix(scope.Request.Header.Get("Content-Type"), "application/octet-stream") {
		message.Type = parley.BinaryMessage
	} else if !utf8.Valid(body) {
		return respond(ctx, conn, http.StatusBadRequest, nil)
	}
	switch err := s.push(ctx, message); {
	case errors.Is(err, parley.ErrClosed):
		return respond(ctx, conn, http.StatusGone, nil)
	case err != nil:
		return err
	}
	return respond(ctx, conn, http.StatusNoContent, nil)
}

// serveDelete is the client's goodbye.
func (a *App) serveDelete(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	id, _ := sessionOf(scope.Request)
	s := a.sessions.find(id)
	if s == nil {
		return respond(ctx, conn, http.StatusNotFound, nil)
	}
	s.end(parley.WebSocketDisconnect{Code: parley.CloseNormal, Cause: &parley.CloseError{Code: parley.CloseNormal}})
	a.sessions.remove(s)
	return respond(ctx, conn, http.StatusNoContent, nil)
}

// sessionOf returns the session that a request is for, and the number of the
// last message that its client has: from Last-Event-ID, "<session>.<number>", or
// from the header and the query.
func sessionOf(r *http.Request) (id string, cursor uint64) {
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		id, number, _ := strings.Cut(last, ".")
		return id, numberOf(number)
	}
	query := r.URL.Query()
	if id = r.Header.Get(sessionHeader); id == "" {
		id = query.Get("session")
	}
	return id, numberOf(query.Get("cursor"))
}

// numberOf returns a number that no message has where text is none: such a
// client does not know what it has.
func numberOf(text string) uint64 {
	if text == "" {
		return 0
	}
	number, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 1 << 63
	}
	return number
}
