package server

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/parleygo/parley/adapters/nethttp"
)

// DrainReport says how a drain went, and how the conversations have ended that were
// there, of all gateways in the process.
type DrainReport struct {
	Took time.Duration // from the end of readiness on
	Cut  bool          // the time was up before all had ended by themselves

	Requests   nethttp.DrainCount // HTTP, but for streams
	Streams    nethttp.DrainCount // HTTP of apps that waited for the end: events, polls
	WebSockets nethttp.DrainCount
	Sessions   nethttp.DrainCount // of clients without a socket (package fallback)
}

// Drain lets the server end in order. Readiness turns false, and for
// Options.ReadyDelay all goes on as before. Then the sockets are closed, behind those
// who stand before them already; answers say that their connection ends, and for half
// a second idle ones wait for a request that may be on its way. Running requests
// finish; WebSockets are closed with 1012 in waves; streams and sessions without a
// socket are told to come back. What is left when ctx ends is cut, and the error is
// ctx's cause. A drain goes once: further calls wait for it and return the same
// report.
func (s *Server) Drain(ctx context.Context) (DrainReport, error) {
	s.mu.Lock()
	switch s.phase {
	case fresh:
		s.mu.Unlock()
		return DrainReport{}, errors.New("server: was not started")
	case running:
		s.phase = draining
		s.mu.Unlock()
		return s.drain(ctx)
	}
	s.mu.Unlock()
	select {
	case <-s.over:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.report, nil
	case <-ctx.Done():
		return DrainReport{}, context.Cause(ctx)
	}
}

func (s *Server) drain(ctx context.Context) (DrainReport, error) {
	began := time.Now()
	s.ready.set(false)
	s.tellSystemd("STOPPING=1")
	s.log(slog.LevelInfo, "server: draining")
	s.delay(ctx)
	s.leaving.Store(true)
	s.retire()
	s.conns.settle(ctx)
	cut, err := s.finish(ctx)
	report := DrainReport{Took: time.Since(began), Cut: cut}
	report.add(s.gateway, &s.members) // while those who are cut are there
	s.closeConns(cut)
	s.mu.Lock()
	s.phase, s.report = stopped, report
	s.mu.Unlock()
	close(s.over)
	s.log(slog.LevelInfo, "server: drained", "took", report.Took, "cut", report.Cut,
		"requests", report.Requests, "streams", report.Streams,
		"websockets", report.WebSockets, "sessions", report.Sessions)
	return report, err
}

// finish lets conversations end, side by side. cut says that ctx ended before all had.
func (s *Server) finish(ctx context.Context) (cut bool, err error) {
	var work sync.WaitGroup
	failures := make([]error, len(s.places)+1)
	for i, place := range s.places {
		work.Go(func() { failures[i] = place.server.Shutdown(ctx) })
	}
	s.members.Join(s.gateway, s.gateway)
	work.Go(func() { failures[len(s.places)] = s.members.Drain(ctx) })
	work.Wait()
	if ctx.Err() != nil {
		return true, context.Cause(ctx)
	}
	return false, errors.Join(failures...)
}

// closeConns closes what is open still: the connections of those who are cut, and what
// stood by for a lack of descriptors.
func (s *Server) closeConns(cut bool) {
	for _, place := range s.places {
		if cut {
			place.server.Close()
		}
		place.straits.server.Close()
	}
	s.reserve.release()
}

// retire shuts the doors, and returns when nobody comes in any more.
func (s *Server) retire() {
	for _, place := range s.places {
		for _, door := range place.doors {
			door.retire()
		}
	}
	s.serving.Wait()
}

// delay is the time in which load balancers notice.
func (s *Server) delay(ctx context.Context) {
	if s.options.ReadyDelay == 0 {
		return
	}
	timer := time.NewTimer(s.options.ReadyDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Stop drains, if nobody has, within Options.DrainTimeout, and then leads the app
// through its shutdown, in reverse order of its start. ctx bounds both.
func (s *Server) Stop(ctx context.Context) error {
	drainCtx, cancel := context.WithTimeoutCause(ctx, s.options.DrainTimeout, errDrainTimeout)
	defer cancel()
	_, err := s.Drain(drainCtx)
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, s.stopLifespan(ctx))
}

// stopLifespan leads the app through its shutdown, once. The caller holds mu.
func (s *Server) stopLifespan(ctx context.Context) error {
	life := s.lifespan
	s.lifespan = nil
	if life == nil {
		return nil
	}
	return life.stop(ctx)
}

var errDrainTimeout = errors.New("server: not all had ended when the time of the drain was up")
