package nethttp

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/overevents"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/wiring"
)

// Middleware makes parley middleware of net/http middleware: rs/cors, otelhttp,
// chi's, a project's own. It stands in front of HTTP conversations and of
// WebSocket handshakes; other protocols pass it by. What it puts into the
// request's context and headers reaches the app, what it sets on the response
// goes out with the app's answer, be that an accept or a denial, and what it
// answers itself keeps the app from running.
//
// On HTTP the app below writes through whatever ResponseWriter the middleware
// hands on. On a WebSocket the middleware runs around the whole session; what
// it writes after handing on is ignored. Middleware that returns before the app
// does, as http.TimeoutHandler, has ended the app's context: on HTTP the app is
// left to itself then, on a WebSocket it is waited for.
func Middleware(middleware func(http.Handler) http.Handler) parley.Middleware {
	wiring.Need("nethttp: Middleware", "function", middleware)
	return func(next parley.App) parley.App {
		wiring.Need("nethttp: Middleware", "app", next)
		m := &middlewareApp{next: next, fallback: &Gateway{app: next, options: complete(Options{})}}
		m.fallback.init()
		m.handler = middleware(http.HandlerFunc(m.inner))
		if wiring.Missing(m.handler) {
			panic("nethttp: Middleware: the function returned a nil handler")
		}
		return m
	}
}

type middlewareApp struct {
	next     parley.App
	handler  http.Handler // the middleware, around inner
	fallback *Gateway     // serves next where there is no live gateway above
}

// passage is one conversation on its way through the middleware. It travels in
// the request's context.
type passage struct {
	ctx   context.Context // the conversation's
	scope *parley.Scope
	conn  parley.Conn
	// gateway serves HTTP below, over the writer that the middleware hands on.
	gateway *Gateway
	// record is that of the request, if it is live.
	record *record
	// writer is the one that the middleware was given on a WebSocket.
	writer *handshakeWriter

	mu       sync.Mutex    // the middleware may hand on on a goroutine of its own
	returned chan struct{} // made when it hands on, closed when the app has returned
	err      error         // what the app returned
}

// handOn serves the app below.
func (p *passage) handOn(serve func() error) {
	returned := make(chan struct{})
	p.mu.Lock()
	p.returned = returned
	p.mu.Unlock()
	defer close(returned)
	err := parley.ErrGoexit // unless serve returns
	defer func() {
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
	}()
	err = serve()
}

// outcome is what the app has returned, if the middleware handed on (returned is
// not nil) and did not leave it behind, as http.TimeoutHandler does.
func (p *passage) outcome() (returned <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.returned, p.err
}

func (m *middlewareApp) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	scope.NativeRequest()
	p := &passage{ctx: ctx, scope: scope, conn: conn, gateway: m.fallback}
	ctx = context.WithValue(ctx, passageKey{m}, p)
	switch scope.Protocol {
	case parley.HTTP:
		return m.serveHTTP(ctx, p)
	case parley.WebSocket:
		return m.serveWebSocket(ctx, p)
	}
	return m.next.Serve(ctx, scope, conn)
}

// passageKey is a key of its own for each middleware in a chain.
type passageKey struct{ *middlewareApp }

// outerKey is for the conn that middleware above stands in front of, over events.
type outerKey struct{}

func (m *middlewareApp) serveHTTP(ctx context.Context, p *passage) error {
	if handle, ok := p.conn.(*httpHandle); ok {
		if c := handle.conn.Load(); c != nil {
			p.gateway, p.record = c.gateway, c.record()
			c.leaked = true // the context has the passage, which has the record
		}
		if w, live := handle.takeWriter(p.scope); w != nil {
			live.broke = true
			serveCopy(m.handler, w, p.scope.Request.WithContext(ctx))
			live.broke = false
			_, err := p.outcome()
			return err
		}
	}
	ctx = context.WithValue(ctx, outerKey{}, p.conn)
	whole := *p.scope
	whole.RootPath = "" // the middleware sees the path as it came
	if err := overevents.Serve(ctx, m.handler, &whole, p.conn); err != nil {
		return err
	}
	_, err := p.outcome()
	return err
}

// serveWebSocket runs the middleware over a writer whose answer would deny the
// handshake. If it hands on instead, the writer's headers go with the app's
// answer.
func (m *middlewareApp) serveWebSocket(ctx context.Context, p *passage) error {
	p.writer = &handshakeWriter{Writer: overevents.NewDenial(ctx, p.scope, p.conn)}
	defer p.writer.Release()
	m.handler.ServeHTTP(p.writer, p.scope.Request.WithContext(ctx))
	p.writer.Retire()
	if returned, _ := p.outcome(); returned != nil {
		<-returned // its socket is this conversation's
		_, err := p.outcome()
		return err
	}
	return p.writer.Finish()
}

// inner is the handler that the middleware believes to stand in front of.
func (m *middlewareApp) inner(w http.ResponseWriter, r *http.Request) {
	p, ok := r.Context().Value(passageKey{m}).(*passage)
	if !ok {
		panic("nethttp: middleware replaced the request's context with one that does not descend from it")
	}
	scope := *p.scope
	scope.Request = r
	p.handOn(func() error {
		if scope.Protocol == parley.HTTP {
			return p.gateway.serveBelow(&scope, p.record, m.next, w, r)
		}
		header := p.writer.Header().Clone()
		for name, values := range w.Header() { // a writer in between may have one of its own
			header[name] = slices.Clone(values)
		}
		p.writer.hand()
		conn := withHead(p.conn, header, p.headHook(w, header.Clone()))
		ctx, cancel := outliving(p.ctx, r.Context())
		defer cancel()
		return m.next.Serve(ctx, &scope, conn)
	})
}

// withHead returns a conn whose answer to the handshake has header on top, and is
// what hook makes of it. A live conn takes both at once and stays what it is, for
// handlers that upgrade by themselves.
func withHead(conn parley.Conn, header http.Header, hook headHook) parley.Conn {
	if live, ok := conn.(*webSocketConn); ok {
		live.addHead(header, hook)
		return conn
	}
	return &headedConn{Conn: conn, header: header, hook: hook}
}

type headedConn struct {
	parley.Conn
	header   http.Header
	hook     headHook
	answered atomic.Bool
}

// Unwrap tells that messages pass unchanged.
func (c *headedConn) Unwrap() parley.Conn { return c.Conn }

func (c *headedConn) Send(ctx context.Context, event parley.Event) error {
	if !c.answered.Load() {
		event = protocol.Denial(event)
	}
	status := protocol.AnswerStatus(event)
	if status == 0 {
		return c.Conn.Send(ctx, event)
	}
	header := c.header.Clone()
	if instead := c.hook(status, header); instead != nil {
		event = *instead
	}
	err := c.Conn.Send(ctx, protocol.WithHeader(event, header))
	if err == nil && !c.answered.Swap(true) && status == http.StatusSwitchingProtocols {
		if _, denied := event.(parley.WebSocketDeny); denied {
			return errAnsweredAbove
		}
	}
	return err
}
