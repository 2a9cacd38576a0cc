package server

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/leakguard"
	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/usercode"
)

// lifespan leads an app through the life of the process: the server's end of its
// Lifespan conversation.
type lifespan struct {
	ctx    context.Context
	cancel context.CancelCauseFunc

	asked    chan parley.Event // what the app is to hear next
	answered chan error        // its answer: nil or what failed
	returned chan struct{}     // closed when the app has returned

	began time.Time
	leaks *leakguard.Guard

	mu    sync.Mutex
	order protocol.Lifespan
	err   error // what the app returned
}

// errStopped is the cause of the app's context when the server has gone.
var errStopped = errors.New("server: stopped")

// startLifespan asks the app to start and waits for its answer. It returns nil for
// an app that takes no part in the life of the process.
func startLifespan(
	ctx context.Context, app parley.App, state *parley.State, leaks *leakguard.Guard,
) (*lifespan, error) {
	l := &lifespan{
		began: time.Now(), leaks: leaks,
		asked: make(chan parley.Event, 1), answered: make(chan error, 1), returned: make(chan struct{}),
	}
	// It lives as long as the process, and not as the start: values only.
	l.ctx, l.cancel = context.WithCancelCause(parley.WithState(context.WithoutCancel(ctx), state))
	go usercode.Call(func() error { return l.serve(app) }, l.end)
	err := l.ask(ctx, parley.LifespanStartup{})
	state.Seal()
	if err == nil {
		return l, nil
	}
	if ctx.Err() != nil { // whose end the app may have told in words
		err = errors.Join(err, context.Cause(ctx))
	}
	l.leave(ctx, err)
	var unsupported *parley.UnsupportedProtocolError
	if errors.As(err, &unsupported) {
		return nil, nil
	}
	return nil, fmt.Errorf("server: start-up: %w", err)
}

// serve is on the app's stack, for the leak guard.
//
//go:noinline
func (l *lifespan) serve(app parley.App) error {
	err := app.Serve(l.ctx, &parley.Scope{Protocol: parley.Lifespan}, l)
	runtime.KeepAlive(l)
	return err
}

func (l *lifespan) end(err error) {
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
	close(l.returned)
}

// ask puts a question to the app and waits for the answer.
func (l *lifespan) ask(ctx context.Context, event parley.Event) error {
	l.asked <- event
	select {
	case err := <-l.answered:
		return err
	case <-l.returned:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-l.answered: // and then it returned
		return err
	default:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		return parley.ErrNotAnswered
	}
	return l.err
}

// stop asks the app to shut down, waits for it to return, and ends its context
// when ctx ends.
func (l *lifespan) stop(ctx context.Context) error {
	l.mu.Lock()
	l.order.Shutdown()
	stopping := l.order.State() == protocol.LifespanStopping
	l.mu.Unlock()
	defer l.leave(ctx, errStopped)
	select {
	case <-l.returned: // long ago: it was not interested
		return nil
	default:
	}
	if !stopping {
		return nil
	}
	if err := l.ask(ctx, parley.LifespanShutdown{}); err != nil {
		return fmt.Errorf("server: shutdown: %w", err)
	}
	return nil
}

// leave ends the app's context and waits for the app to return, but not for one that
// pays no heed after ctx has ended: the process wants to go. The log names it.
func (l *lifespan) leave(ctx context.Context, cause error) {
	l.cancel(cause)
	select {
	case <-l.returned:
		return
	case <-ctx.Done():
	}
	timer := time.NewTimer(lastMoment)
	defer timer.Stop()
	select {
	case <-l.returned:
	case <-timer.C:
		if options.Limited(l.leaks.After) {
			l.leaks.Report(leakguard.Overdue{
				Protocol: "lifespan", Age: time.Since(l.began), Cause: cause,
				Frame: "server.(*lifespan).serve", Of: l,
			})
		}
	}
}

// lastMoment is what an app has to return when its context has ended and there is no
// time any more.
const lastMoment = 100 * time.Millisecond

// Receive gives the app the next question.
func (l *lifespan) Receive(ctx context.Context) (parley.Event, error) {
	select {
	case event := <-l.asked:
		return event, nil
	case <-l.ctx.Done():
		return nil, context.Cause(l.ctx)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Send takes the app's answer.
func (l *lifespan) Send(_ context.Context, event parley.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.order.Send(event); err != nil {
		return err
	}
	var answer error
	switch event := event.(type) {
	case parley.LifespanStartupFailed:
		answer = errors.New(event.Message)
	case parley.LifespanShutdownFailed:
		answer = errors.New(event.Message)
	}
	l.answered <- answer // there is room: the order lets one answer a question pass
	return nil
}
