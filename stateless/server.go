package stateless

import (
	"container/list"
	"context"
	"log/slog"
	"sync"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/logged"
	"github.com/parleygo/parley/internal/usercode"
	"github.com/parleygo/parley/internal/wiring"
)

// Server keeps an instance of an app for each name that events are delivered to. Make one
// with New. Its methods may be called from any goroutine.
type Server struct {
	app     parley.App
	options Options

	mu     sync.Mutex
	runs   bool                 // within Run
	open   bool                 // until what Run runs has returned
	ctx    context.Context      // of the instances, until Run ends
	named  map[string]*instance // that get the next event of a name
	alive  list.List            // those of them that have begun, least recently used first
	line   list.List            // and the others, which wait for a place, oldest first
	ending map[string]*instance // told to stop, and not over
	over   sync.WaitGroup       // of all that have begun

	waiting, delivering int // of those alive: that wait for events, and for places
	stats               Stats
}

// New makes a Server of app. It panics if there is none.
func New(app parley.App, options Options) *Server {
	wiring.Need("stateless: New", "app", app)
	return &Server{
		app: app, options: options.withDefaults(),
		named: map[string]*instance{}, ending: map[string]*instance{},
	}
}

// Run runs handle, which has events delivered, and when it has returned stops all
// instances. It returns when they have ended, with what handle returned. handle gets ctx,
// and is to return when that ends; instances go on until it has, so that it can let them
// finish. Run may be called again afterwards, but not while it runs: then it panics.
func (s *Server) Run(ctx context.Context, handle func(ctx context.Context) error) error {
	inside, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(parley.ErrFinished)
	s.mu.Lock()
	if s.runs {
		s.mu.Unlock()
		panic("stateless: Run of a Server that runs")
	}
	s.runs, s.open, s.ctx = true, true, inside
	s.mu.Unlock()
	err := usercode.Apart(func() error { return handle(ctx) })
	s.mu.Lock()
	s.open = false
	s.stopAll()
	s.mu.Unlock()
	s.over.Wait()
	s.mu.Lock()
	s.runs = false
	s.mu.Unlock()
	return err
}

// Serve hands the events of a Channel conversation to the instance of its channel, one
// after the other, and returns when that has dealt with the last of them, or with the error
// that it failed with. If ctx ends before, Serve returns its cause, and an event that was
// received already is left to the instance. A Lifespan conversation is the app's own.
func (s *Server) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	switch scope.Protocol {
	case parley.Channel:
	case parley.Lifespan:
		return s.app.Serve(ctx, scope, conn)
	default:
		return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	}
	for {
		event, err := conn.Receive(ctx)
		if err != nil {
			return err
		}
		if _, over := event.(parley.ChannelDisconnect); over {
			return nil
		}
		if err := s.deliverAndWait(ctx, scope.Channel, event); err != nil {
			return err
		}
	}
}

// Stats of a Server: gauges, and counts since it was made.
type Stats struct {
	Alive   int    // instances that have begun and not ended
	Waiting int    // names that wait for a place
	Begun   uint64 // instances, ever
	Evicted uint64 // told to go as others needed their place
	Failed  uint64 // that returned an error, panicked or exited
}

// Stats returns a consistent look.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Alive, stats.Waiting = s.alive.Len()+len(s.ending), s.line.Len()
	return stats
}

// report tells of a failure that nobody waits for. No mutex is held.
func (s *Server) report(name string, failure error) {
	failed := s.options.Failed
	if failed == nil {
		failed = s.logFailure
	}
	err := usercode.Apart(func() error {
		failed(name, failure)
		return nil
	})
	if err != nil {
		s.logFailure(name, failure)
		s.logFailure(name, err)
	}
}

func (s *Server) logFailure(name string, failure error) {
	logged.Line(s.options.Logger, slog.LevelError, "parley: instance failed",
		logged.Failure([]any{"name", name}, failure)...)
}
