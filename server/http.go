package server

import (
	"context"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"log/slog"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/drain"
	"github.com/parleygo/parley/internal/logged"
)

// httpServer makes the http.Server of a listener. Every request's context knows
// the process's state and what to end when it goes.
func (s *Server) httpServer(l *Listener, reports *reports) *http.Server {
	base := parley.WithState(drain.With(context.Background(), &s.members), &s.state)
	server := &http.Server{
		Handler:           s.entrance(l.BodyTimeout),
		BaseContext:       func(net.Listener) context.Context { return base },
		MaxHeaderBytes:    l.MaxHeader,
		ReadHeaderTimeout: l.HeaderTimeout,
		IdleTimeout:       l.IdleTimeout,
		ErrorLog:          log.New(reports, "", 0),
		Protocols:         new(http.Protocols),
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(l.TLS != nil)
	server.Protocols.SetUnencryptedHTTP2(l.H2C)
	if s.options.Configure != nil {
		s.options.Configure(server)
	}
	s.conns.follow(server)
	return server
}

// reports hands on what net/http logs, one line a second of each kind: a
// descriptor limit that is reached would fill the disk.
type reports struct {
	logger *slog.Logger
	conns  *connections

	mu   sync.Mutex
	last map[string]time.Time
}

const reportEvery = time.Second

func (r *reports) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	r.conns.report(text)
	if r.admits(kindOfReport(text)) {
		logged.Line(r.logger, slog.LevelWarn, "server: "+strings.TrimPrefix(text, "http: "))
	}
	return len(line), nil
}

func (r *reports) admits(kind string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if now.Sub(r.last[kind]) < reportEvery {
		return false
	}
	if r.last == nil || len(r.last) > 100 { // kinds are few; a peer cannot fill it
		r.last = make(map[string]time.Time)
	}
	r.last[kind] = now
	return true
}

// kindOfReport is the beginning of a line, before what differs each time.
func kindOfReport(text string) string {
	kind, _, _ := strings.Cut(text, ":")
	if rest, ok := strings.CutPrefix(text, "http: "); ok {
		kind, _, _ = strings.Cut(rest, " ")
	}
	return kind
}
