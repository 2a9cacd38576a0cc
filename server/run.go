package server

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/parleygo/parley"
)

// ErrAborted is the error of a Run that a second signal has ended.
var ErrAborted = errors.New("server: aborted by a second signal")

// Run runs app as a service: see Server.Run.
func Run(ctx context.Context, app parley.App, options Options) error {
	return New(app, options).Run(ctx)
}

// Run runs the server until ctx ends, a signal of Options.Signals comes or an operator
// asks for it (package inspect), and then lets it end in order: see Start, Drain and
// Stop. A second signal, in the drain or in the app's shutdown, cuts what is left. It
// returns nil when all has ended in order, also a start-up that was not complete yet.
//
// While it runs and heeds signals, a log whose reader has gone does not end the process:
// writes to such a standard output fail as those to a full disk do, and SIGPIPE is unheard.
func (s *Server) Run(ctx context.Context) error {
	list := s.options.Signals
	if list == nil {
		list = []os.Signal{os.Interrupt, syscall.SIGTERM}
	}
	signals := make(chan os.Signal, 2)
	if len(list) > 0 {
		signal.Notify(signals, list...)
		defer signal.Stop(signals)
		defer outliveReaders()()
	}
	return s.run(ctx, signals)
}

// outliveReaders keeps SIGPIPE from ending the process until it is undone. A program that
// ignores it has done so by itself: to be notified would end that for good.
func outliveReaders() (undo func()) {
	if signal.Ignored(syscall.SIGPIPE) {
		return func() {}
	}
	brokenPipes := make(chan os.Signal, 1) // to be notified is what keeps Go from dying of them
	signal.Notify(brokenPipes, syscall.SIGPIPE)
	return func() { signal.Stop(brokenPipes) }
}

// run is Run with its signals.
func (s *Server) run(ctx context.Context, signals <-chan os.Signal) error {
	asked := s.members.Asked() // from within, as by the inspector
	stopped, err := s.startUnlessStopped(ctx, signals)
	switch {
	case errors.Is(err, errGivenUp), ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return nil // to stop was asked for
	case err != nil:
		return err
	}
	heard := stopped
	if !stopped {
		select {
		case <-ctx.Done(): // perhaps for the same signal
		case <-asked:
		case <-signals:
			heard = true
		case err = <-s.failed:
			s.log(slog.LevelError, "server: a socket failed", "error", err)
		}
	}
	return errors.Join(err, s.stopUnlessAborted(ctx, signals, heard))
}

// startUnlessStopped starts, and gives up when a signal comes. It reports whether
// one came too late for that.
func (s *Server) startUnlessStopped(
	ctx context.Context, signals <-chan os.Signal,
) (stopped bool, err error) {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	started := make(chan error, 1)
	go func() { started <- s.Start(ctx) }()
	select {
	case err = <-started:
		return false, err
	case <-signals:
		giveUp(errGivenUp)
		return true, <-started
	}
}

// errGivenUp is the cause of a start-up that a signal has ended.
var errGivenUp = errors.New("server: told to stop during start-up")

// stopUnlessAborted stops with the values of ctx, which may have ended, and with its
// own bound of time. heard says that the first signal has come.
func (s *Server) stopUnlessAborted(
	ctx context.Context, signals <-chan os.Signal, heard bool,
) error {
	ctx, abort := context.WithCancelCause(context.WithoutCancel(ctx))
	done := make(chan struct{})
	defer close(done)
	go func() {
		for first := !heard; ; first = false {
			select {
			case <-signals:
			case <-done:
				return
			}
			if !first {
				abort(ErrAborted)
				return
			}
		}
	}()
	defer abort(nil)
	return s.Stop(ctx)
}
