package overevents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
)

// eventRequest makes the request that a handler gets: the scope's, with ctx,
// without what the routers above consumed of its path, and with a body made of
// events. The body is nil where there is none to read.
func eventRequest(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, server Server,
) (*http.Request, *eventBody) {
	r := WithoutRoot(scope, scope.NativeRequest()).WithContext(ctx)
	if scope.Protocol == parley.WebSocket {
		describeHandshake(r, scope)
	}
	if r.ContentLength == 0 || scope.Protocol != parley.HTTP {
		r.Body = http.NoBody
		return r, nil
	}
	body := &eventBody{
		events: parley.BodyReader(ctx, conn), server: server, request: r, source: scope.Request,
	}
	r.Body = body
	return r, body
}

// describeHandshake makes of r the handshake that a library upgrades, whatever the
// transport: a handler that hijacks it speaks to the tunnel, which knows no extension.
func describeHandshake(r *http.Request, scope *parley.Scope) {
	r.Method, r.Proto, r.ProtoMajor, r.ProtoMinor = http.MethodGet, "HTTP/1.1", 1, 1
	header := r.Header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	delete(header, "Sec-Websocket-Extensions")
	if header.Get("Sec-Websocket-Key") == "" {
		header["Connection"], header["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
		header["Sec-Websocket-Version"] = []string{"13"}
		header["Sec-Websocket-Key"] = []string{"cGFybGV5LW92ZXItZXZlbg=="} // 16 bytes of no meaning
	}
	if offered := scope.Subprotocols; len(offered) > 0 {
		header["Sec-Websocket-Protocol"] = []string{strings.Join(offered, ", ")}
	}
	r.Header = header
}

// WithoutRoot returns r as a handler mounted at the scope's RootPath sees it,
// as http.StripPrefix would hand it on, but cut on the boundary of a segment
// and with "/" for the mount point itself. A path that is not below the root is
// left as it is.
func WithoutRoot(scope *parley.Scope, r *http.Request) *http.Request {
	if scope.RootPath == "" {
		return r
	}
	escaped, ok := scope.EscapedRoutePath()
	if !ok {
		return r
	}
	below, u := *r, *r.URL
	u.Path = scope.RoutePath()
	if u.RawPath != "" {
		u.RawPath = escaped
	}
	below.URL = &u
	return &below
}

// eventBody is a request body made of events. Nothing is received before the
// first Read: that is what lets a server wait with its "100 Continue".
type eventBody struct {
	events  io.Reader
	server  Server        // at the bottom, or nil
	request *http.Request // the handler's
	source  *http.Request // the server's, where the trailers of the request turn up

	mu     sync.Mutex // held by Read, so that end can wait for it
	closed atomic.Bool
}

func (b *eventBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := b.events.Read(p)
	switch {
	case err == io.EOF:
		b.takeTrailers()
	case errors.Is(err, parley.ErrDisconnected):
		err = fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err) // what net/http calls it
	}
	return n, err
}

// takeTrailers shows the handler the trailers that its client had not declared:
// declared ones arrive in a map that both requests share.
func (b *eventBody) takeTrailers() {
	if b.request.Trailer == nil {
		b.request.Trailer = b.source.Trailer
	}
}

// rest takes what was received and not read, unless somebody reads, who is given it.
func (b *eventBody) rest() []byte {
	if b == nil || !b.mu.TryLock() {
		return nil
	}
	defer b.mu.Unlock()
	if events, ok := b.events.(interface{ Unread() []byte }); ok {
		return events.Unread()
	}
	return nil
}

// Close stops the reading. It does not wait for a Read under way.
func (b *eventBody) Close() error {
	b.closed.Store(true)
	return nil
}

// end closes the body and waits for a Read under way: the conn is not the
// handler's any more.
func (b *eventBody) end() {
	if b == nil {
		return
	}
	b.Close()
	if !b.mu.TryLock() {
		if b.server != nil {
			b.server.SetReadDeadline(time.Unix(1, 0)) // a context does not end a read of net/http's
		}
		b.mu.Lock()
	}
	b.mu.Unlock()
}
