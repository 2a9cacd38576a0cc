package server

import (
	"net/http"
	"time"

	"github.com/parleygo/parley/adapters/nethttp"
)

// entrance is where the requests of a listener come in. Most have no body, and come by
// HTTP/1: nothing stands between them and the gateway but this.
type entrance struct {
	server *Server
	inner  http.Handler // the gateway, behind the paths that are answered without the app
	others http.Handler // the same for requests of all kinds
}

func (s *Server) entrance(bodyTimeout time.Duration) *entrance {
	inner := s.withHealth(s.gateway)
	// Routers in the app find handshakes of HTTP/2 where they look for handshakes.
	return &entrance{s, inner, pace(nethttp.ExtendedConnect(inner), bodyTimeout)}
}

// ServeHTTP has answers end their connection when the server is about to leave: their
// clients open the next one elsewhere. It is GOAWAY on HTTP/2. Upgrades need their
// Connection header for themselves.
func (e *entrance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.server.leaving.Load() && r.Header["Upgrade"] == nil {
		w.Header()["Connection"] = []string{"close"}
	}
	if r.ProtoMajor == 1 && r.Body == http.NoBody {
		e.inner.ServeHTTP(w, r)
	} else {
		e.others.ServeHTTP(w, r)
	}
}
