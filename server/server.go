package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/drain"
	"github.com/parleygo/parley/internal/leakguard"
	"github.com/parleygo/parley/internal/logged"
	limits "github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/wiring"
)

// Server runs one app. Make one with New; Run does all of it. Its methods may be
// called from any goroutine.
type Server struct {
	app     parley.App
	options Options
	gateway *nethttp.Gateway
	members drain.Group
	state   parley.State
	ready   readiness
	leaks   leakguard.Guard
	reserve reserve
	conns   connections
	leaving atomic.Bool // answers end their connections

	mu       sync.Mutex
	phase    phase
	places   []*place
	lifespan *lifespan
	failed   chan error // what a place that ended by itself says
	serving  sync.WaitGroup
	over     chan struct{} // closed when nothing is served any more
	report   DrainReport
}

type phase uint8

const (
	fresh phase = iota
	running
	draining
	stopped
)

// place is one http.Server with its sockets.
type place struct {
	server  *http.Server
	straits *straits
	doors   []*door
	sockets []net.Listener // the doors, behind their limit
	shared  bool           // other processes may have the port
	tls     bool
}

// New makes a Server. It panics for a nil app and for options that make no sense.
func New(app parley.App, options Options) *Server {
	wiring.Need("server: New", "app", app)
	options.checkPaths()
	s := &Server{app: app, options: options.withDefaults(), over: make(chan struct{})}
	s.leaks.After = limits.Limit(options.Gateway.LeakAfter, lastMoment)
	s.leaks.Logger = s.options.Logger
	s.gateway = nethttp.Handler(app, s.options.Gateway)
	s.failed = make(chan error, len(s.options.Listeners))
	return s
}

// errNotFresh is for servers that are used twice.
var errNotFresh = errors.New("server: was started before")

// Start opens the sockets, has the app start, and then begins to serve. Clients that
// connect meanwhile wait, or go to another process that has the port: see
// Listener.ReusePort. ctx bounds the start; its values are those of the app's life. A
// start that fails leaves nothing behind.
func (s *Server) Start(ctx context.Context) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != fresh {
		return errNotFresh
	}
	s.phase = stopped // unless it succeeds
	defer func() {
		if err != nil {
			s.closeSockets()
			s.reserve.release()
			close(s.over)
		}
	}()
	for i := range s.options.Listeners {
		if err := s.open(ctx, &s.options.Listeners[i]); err != nil {
			return fmt.Errorf("server: %w", err)
		}
	}
	if s.lifespan, err = startLifespan(ctx, s.app, &s.state, &s.leaks); err != nil {
		return err
	}
	if err := s.openShared(); err != nil {
		return errors.Join(fmt.Errorf("server: %w", err), s.stopLifespan(ctx))
	}
	s.reserve.fill()
	for _, place := range s.places {
		for _, socket := range place.sockets {
			s.serve(place, socket)
		}
	}
	s.phase = running
	s.ready.set(true)
	go s.keepWatchdog(s.over)
	s.tellSystemd("READY=1")
	s.tellServing()
	return nil
}

// log writes a line.
func (s *Server) log(level slog.Level, text string, about ...any) {
	logged.Line(s.options.Logger, level, text, about...)
}

func (s *Server) tellServing() {
	defer s.tellHTTP2()
	list := addresses(s.places)
	if s.options.Serving != nil && len(list) > 0 {
		s.options.Serving(list[0])
		return
	}
	s.log(slog.LevelInfo, "server: serving", "addr", list)
}

// open makes the http.Server of one listener, and opens its sockets.
func (s *Server) open(ctx context.Context, l *Listener) error {
	reports := &reports{logger: s.options.Logger, conns: &s.conns}
	p := &place{server: s.httpServer(l, reports), shared: l.isShared(), tls: l.TLS != nil}
	s.places = append(s.places, p)
	if l.TLS != nil {
		config, err := l.TLS.config(func(err error) {
			s.log(slog.LevelError, "server: TLS", "error", err)
		})
		if err != nil {
			return fmt.Errorf("TLS: %w", err)
		}
		p.server.TLSConfig = config
	}
	p.straits = s.straitsOf(p, reports)
	sockets, err := l.listen(ctx)
	if err != nil {
		return err
	}
	for _, socket := range sockets {
		d := &door{Listener: socket, straits: p.straits, conns: &s.conns, retiring: make(chan struct{})}
		if p.shared {
			d.hold = func() { holdOff(socket) }
		}
		p.doors = append(p.doors, d)
		p.sockets = append(p.sockets, limit(d, l))
	}
	return nil
}

// openShared begins to listen where another process may have the port: from now on
// the kernel divides clients among all.
func (s *Server) openShared() error {
	for _, place := range s.places {
		for _, door := range place.doors {
			if !place.shared {
				continue
			}
			if err := beginListening(door.Listener); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) serve(p *place, socket net.Listener) {
	s.serving.Go(func() {
		serve := p.server.Serve
		if p.tls {
			serve = func(l net.Listener) error { return p.server.ServeTLS(l, "", "") }
		}
		err := serve(socket)
		if errors.Is(err, http.ErrServerClosed) || errors.Is(err, errRetired) {
			return
		}
		select {
		case s.failed <- err:
		default: // one is enough to end the process
		}
	})
}

// Addr returns the address of the first socket, which tells the port that was
// taken. It is nil before Start.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if list := addresses(s.places); len(list) > 0 {
		return list[0]
	}
	return nil
}

func addresses(places []*place) (list []net.Addr) {
	for _, place := range places {
		for _, socket := range place.sockets {
			list = append(list, socket.Addr())
		}
	}
	return list
}

func (s *Server) closeSockets() {
	for _, place := range s.places {
		for _, socket := range place.sockets {
			socket.Close()
		}
	}
}
