package nethttp

import (
	"context"
	"net"
	"net/http"

	"github.com/parleygo/parley/internal/usercode"
)

// baseOf returns the context that a program has given its server by BaseContext, or
// one that never ends. A request's own context ends with it, but a socket's does not
// descend from that. The server is asked once, by a listener that knows its address
// and nothing else.
func (g *Gateway) baseOf(r *http.Request) context.Context {
	server := serverOf(r)
	if server == nil || server.BaseContext == nil {
		return context.Background()
	}
	if base, known := g.bases.Load(server); known {
		return base.(context.Context)
	}
	addr, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	base := context.Background()
	usercode.Run(func() error {
		if own := server.BaseContext(bound{addr}); own != nil {
			base = own
		}
		return nil
	})
	first, _ := g.bases.LoadOrStore(server, base)
	return first.(context.Context)
}

// serverOf returns the server of a request, or nil.
func serverOf(r *http.Request) *http.Server {
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	return server
}

// bound is a listener that is in use already.
type bound struct{ addr net.Addr }

func (bound) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (bound) Close() error              { return nil }
func (b bound) Addr() net.Addr          { return b.addr }
