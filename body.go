package parley

import (
	"context"
	"io"
	"math"
	"net/http"
	"strconv"
)

// BodyReader reads the request body of an HTTP conversation as a stream. A
// client that vanishes in the middle ends the stream with an error that is
// ErrDisconnected; the end of the body is io.EOF. ctx bounds every Read.
func BodyReader(ctx context.Context, conn Conn) io.Reader {
	return &bodyReader{ctx: ctx, conn: conn}
}

type bodyReader struct {
	ctx  context.Context // an io.Reader has no other way to hear of it
	conn Conn
	rest []byte
	err  error
}

func (b *bodyReader) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		b.next()
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Unread takes what was received and not read, for a handler that hijacks the connection.
func (b *bodyReader) Unread() []byte {
	rest := b.rest
	b.rest = nil
	return rest
}

func (b *bodyReader) next() {
	event, err := b.conn.Receive(b.ctx)
	switch event := event.(type) {
	case HTTPRequest:
		b.rest = event.Body
		if !event.More {
			b.err = io.EOF
		}
	case HTTPDisconnect:
		b.err = event.Err()
	default:
		b.err = err
		if err == nil {
			b.err = Unexpected(event)
		}
	}
}

// ReadBody reads the whole request body. More than limit bytes is an error that
// is ErrTooLarge; an app that returns it has the client told 413. A negative limit is
// none. ReadForm reads a form.
func ReadBody(ctx context.Context, conn Conn, limit int64) ([]byte, error) {
	if limit < 0 {
		limit = math.MaxInt64
	}
	enough := max(limit, limit+1) // which is as good as no limit where limit+1 overflows
	body, err := io.ReadAll(io.LimitReader(BodyReader(ctx, conn), enough))
	if err == nil && int64(len(body)) > limit {
		return nil, ErrTooLarge
	}
	return body, err
}

// Respond answers an HTTP conversation whole: head and body, with the body's
// Content-Length. header may be nil. Its values belong to the conn afterwards, the map
// does not: one that is made for the call takes no memory of the heap where conn is a
// Responder.
func Respond(ctx context.Context, conn Conn, status int, header http.Header, body []byte) error {
	fields := FieldsOf(header)
	if responder, ok := conn.(Responder); ok {
		return responder.Respond(ctx, status, fields, body)
	}
	if status != http.StatusNoContent && status != http.StatusNotModified {
		fields.Set("Content-Length", strconv.Itoa(len(body)))
	}
	own := make(http.Header, fields.Len())
	for i := range fields.Len() {
		name, values := fields.At(i)
		own[name] = values
	}
	if err := conn.Send(ctx, HTTPResponseStart{Status: status, Header: own}); err != nil {
		return err
	}
	return conn.Send(ctx, HTTPResponseBody{Body: body})
}

// Responder is a Conn of an HTTP conversation that can be answered whole without events,
// each of which would be an allocation. Respond is what the function of that name sends.
//
// A conn that wraps another has it only if it adds nothing to Send.
type Responder interface {
	Respond(ctx context.Context, status int, fields Fields, body []byte) error
}

// BodyWriter writes a response body as a stream. Write keeps to the server's
// buffer, Flush brings what is in it to the client, Close ends the body and must
// be called.
type BodyWriter struct {
	ctx  context.Context // an io.Writer has no other way to hear of it
	conn Conn
}

// NewBodyWriter starts the response and returns the writer of its body.
func NewBodyWriter(ctx context.Context, conn Conn, start HTTPResponseStart) (*BodyWriter, error) {
	if err := conn.Send(ctx, start); err != nil {
		return nil, err
	}
	return &BodyWriter{ctx, conn}, nil
}

// Write sends p as a part of the body.
func (w *BodyWriter) Write(p []byte) (int, error) {
	if err := w.conn.Send(w.ctx, HTTPResponseBody{Body: p, More: true, Buffered: true}); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush brings everything written so far to the client.
func (w *BodyWriter) Flush() error {
	return w.conn.Send(w.ctx, HTTPResponseBody{More: true})
}

// Close ends the body.
func (w *BodyWriter) Close() error {
	return w.conn.Send(w.ctx, HTTPResponseBody{})
}
