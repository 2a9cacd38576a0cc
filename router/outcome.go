package router

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/parleygo/parley"
)

// outcome is what comes of asking an http.ServeMux: the route it has chosen or
// else the answer that it would give itself. It is the ResponseWriter of that
// request.
type outcome struct {
	route  *route
	status int
	header http.Header
	body   []byte
}

var outcomes = sync.Pool{New: func() any { return new(outcome) }}

// ask has mux choose. Like mux it leaves pattern and values on r.
func ask(mux *http.ServeMux, r *http.Request) (*route, *outcome) {
	o := outcomes.Get().(*outcome)
	mux.ServeHTTP(o, r)
	if o.route == nil {
		return nil, o
	}
	found := o.route
	*o = outcome{}
	outcomes.Put(o)
	return found, nil
}

// notFound is what ServeMux answers when it finds nothing.
func notFound() *outcome {
	o := new(outcome)
	http.NotFound(o, nil)
	return o
}

// Header returns the header of the answer.
func (o *outcome) Header() http.Header {
	if o.header == nil {
		o.header = make(http.Header)
	}
	return o.header
}

// WriteHeader takes note of the status.
func (o *outcome) WriteHeader(status int) { o.status = status }

// Write takes note of the body.
func (o *outcome) Write(p []byte) (int, error) {
	o.body = append(o.body, p...)
	return len(p), nil
}

func (o *outcome) redirects() bool { return o.status/100 == 3 }

// methods returns those that the answer allows.
func (o *outcome) methods() []string {
	if o.status != http.StatusMethodNotAllowed {
		return nil
	}
	return strings.Split(o.Header().Get("Allow"), ", ")
}

// below puts the root of a router in front of where the answer redirects to.
func (o *outcome) below(root string, r *http.Request) *outcome {
	if root == "" {
		return o
	}
	moved := new(outcome)
	http.Redirect(moved, r, root+o.Header().Get("Location"), o.status)
	return moved
}

// send answers the conversation. A handshake is denied with 404 whatever the
// answer would be to a plain request.
func (o *outcome) send(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if scope.Protocol == parley.HTTP {
		return parley.Respond(ctx, conn, o.status, o.Header(), o.body)
	}
	if o.status != http.StatusNotFound {
		o = notFound()
	}
	return conn.Send(ctx, parley.WebSocketDeny{Status: o.status, Header: o.header, Body: o.body})
}

// noRoute is what a nested router returns instead of answering. It is private,
// so that nothing an app returns can be taken for it.
type noRoute struct {
	answer *outcome
}

func (*noRoute) Error() string { return "router: no route" }

// Unwrap makes the error match parley.ErrNotFound, for whoever sees it outside
// of any router.
func (*noRoute) Unwrap() error { return parley.ErrNotFound }
