package sse

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/wiring"
)

// Options of a stream. Zero values are the defaults.
type Options struct {
	// Heartbeat is the silence after which a comment is sent, which keeps
	// proxies from cutting the connection. Default 15 s; negative: never.
	Heartbeat time.Duration

	// MaxBody bounds the body of a request, in bytes; more is answered with
	// 413. Default 1 MiB; negative: no limit.
	MaxBody int64

	// Header is added to the response. A Content-Type and the headers that keep
	// caches and proxies from holding the stream back are set anyway.
	Header http.Header
}

// Func makes an App that answers GET and POST with a stream of server-sent events
// for as long as serve runs. Returning ends the stream; a client made by
// EventSource reconnects then. HEAD is answered with the head of the stream, other
// methods with 405, and other protocols are refused with an
// *UnsupportedProtocolError.
//
// serve's context ends when the client is lost, when the server drains, or when
// middleware ends it. A client that is still there when serve returns then is told
// why by an event of the name "close", whose data is the code that a WebSocket would
// have got, such as {"code":1012} of a drain, and which says how long to wait before
// coming back. Its answer is whole.
func Func(serve func(ctx context.Context, stream *Stream) error, o Options) parley.App {
	wiring.Need("sse: Func", "function", serve)
	o.Heartbeat = options.Limit(o.Heartbeat, 15*time.Second)
	o.MaxBody = options.Limit(o.MaxBody, 1<<20)
	return &app{serve, o}
}

type app struct {
	serve   func(ctx context.Context, stream *Stream) error
	options Options
}

func (a *app) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if scope.Protocol != parley.HTTP {
		return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	}
	status := http.StatusMethodNotAllowed
	switch scope.Method() {
	case http.MethodGet, http.MethodPost:
		return a.stream(ctx, scope, conn)
	case http.MethodHead:
		if err := conn.Send(ctx, Start(a.options.Header)); err != nil {
			return err
		}
		return conn.Send(ctx, parley.HTTPResponseBody{})
	case http.MethodOptions:
		status = http.StatusNoContent
	}
	return parley.Respond(ctx, conn, status, http.Header{"Allow": {"OPTIONS, GET, HEAD, POST"}}, nil)
}

func (a *app) stream(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	body, err := parley.ReadBody(ctx, conn, a.options.MaxBody)
	if err != nil {
		return err
	}
	if err := conn.Send(ctx, Start(a.options.Header)); err != nil {
		return err
	}
	s := &Stream{scope: scope, conn: conn, body: body, ctx: ctx}
	if err := s.write(ctx, nil); err != nil { // brings the head to the client
		return err
	}
	ctx.Done() // a transport may tell only who has asked: serve may do no more than send
	s.beat(a.options.Heartbeat)
	defer s.end()
	err = a.serve(ctx, s)
	s.end()
	return finish(ctx, conn, err)
}

// finish ends the stream of a function that has returned err. What ends a
// conversation in order has a context of its own: the one at hand may have ended.
func finish(ctx context.Context, conn parley.Conn, err error) error {
	cause := context.Cause(ctx)
	var last []byte
	switch {
	case cause != nil:
		last = goodbye(cause)
	case err != nil:
		return err // the answer is cut, so that nobody takes it for whole
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	sent := conn.Send(ctx, parley.HTTPResponseBody{Body: last})
	if err == nil || sent == nil && ended(err, cause) {
		return sent
	}
	return err
}

// ended reports whether err says no more than that the context has ended.
func ended(err, cause error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		cause != nil && errors.Is(err, cause)
}

// lastWords is how long the end of a stream may take.
const lastWords = 5 * time.Second
