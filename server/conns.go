package server

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// connections counts those on which a request may come: WebSockets are the
// gateways', and not among them.
type connections struct {
	open atomic.Int64

	accepted, refused, failed, tls atomic.Uint64 // see Stats
}

// follow has a server's connections counted.
func (c *connections) follow(server *http.Server) {
	next := server.ConnState
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			c.open.Add(1)
			c.accepted.Add(1)
		case http.StateClosed, http.StateHijacked:
			c.open.Add(-1)
		}
		if next != nil {
			next(conn, state)
		}
	}
}

// report counts what net/http tells in the log only.
func (c *connections) report(text string) {
	if strings.HasPrefix(text, "http: TLS handshake error") {
		c.tls.Add(1)
	}
}

// settleTime is how long an idle connection waits, in a drain, for a request that
// its client may be sending: net/http's Shutdown would close it in its face.
const settleTime = 500 * time.Millisecond

// settle waits until no connection is open on which a request may come, or until
// those that are have been silent for long enough.
func (c *connections) settle(ctx context.Context) {
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	ticker := time.NewTicker(settleTime / 100)
	defer ticker.Stop()
	for c.open.Load() > 0 {
		select {
		case <-ticker.C:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}
