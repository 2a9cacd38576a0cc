package nethttp

import (
	"context"
	"net/http"

	"github.com/parleygo/parley/internal/lifetime"
)

// lentRequest is what a conversation has of the server's request. The server's own would
// keep two contexts, with a channel, for as long as the socket lives, and it is not ours to
// write to: somebody above may be reading it.
type lentRequest struct {
	servers *http.Request
	own     *http.Request  // with a context of its own, where that is of use
	ctx     *lifetime.Lent // or nil
}

// lendRequest also returns a context that has the values of the request's, and no end.
func lendRequest(r *http.Request) (l lentRequest, values context.Context) {
	l.servers, l.own = r, r
	if l.ctx, values = lifetime.Lend(r.Context()); l.ctx != nil {
		l.own = r.WithContext(l.ctx)
		return l, lifetime.Detached(values)
	}
	return l, context.WithoutCancel(values)
}

// takeBack is called when ServeHTTP returns: that ends the context of a request.
func (l lentRequest) takeBack() {
	if l.ctx != nil {
		l.ctx.TakeBack()
	}
}

// showRoute shows those above what routers below have found. It is for the app's goroutine,
// while the handshake is the app's to answer: else a router may be writing.
func (l lentRequest) showRoute() {
	if l.ctx != nil && l.servers.Pattern != l.own.Pattern {
		l.servers.Pattern = l.own.Pattern
	}
}
