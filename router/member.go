package router

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"

	"github.com/parleygo/parley"
)

// errPanicked ends a start-up in which an app panicked.
var errPanicked = errors.New("router: app panicked")

// member is an app that lives through the lifespan on a goroutine of its own.
type member struct {
	conn *lifespanConn
	quit context.CancelCauseFunc
	done chan struct{}
	err  error // what the app returned, once done is closed
}

// appPanic is a panic on its way from the app's goroutine to the router's.
type appPanic struct {
	value any
	stack []byte
}

func (p *appPanic) Error() string {
	return fmt.Sprintf("router: app panicked in its lifespan: %v\n\n%s", p.value, p.stack)
}

// enlist starts app.
func enlist(ctx context.Context, scope *parley.Scope, app parley.App) *member {
	ctx, quit := context.WithCancelCause(ctx)
	m := &member{conn: newLifespanConn(ctx.Done()), quit: quit, done: make(chan struct{})}
	go m.serve(ctx, scope, app)
	return m
}

func (m *member) serve(ctx context.Context, scope *parley.Scope, app parley.App) {
	defer close(m.done)
	defer func() {
		if value := recover(); value != nil {
			m.err = &appPanic{value, debug.Stack()}
		}
	}()
	m.err = app.Serve(ctx, scope, m.conn)
}

// answer waits for what the app says next. It is nil if the app has returned
// instead.
func (m *member) answer() parley.Event {
	select {
	case event := <-m.conn.said:
		return event
	case <-m.done:
	}
	select {
	case event := <-m.conn.said: // before it returned
		return event
	default:
		return nil
	}
}

// stop has the app shut down and returns what went wrong. An app that failed to
// start, or has returned already, is past that.
func (m *member) stop() error {
	var failure error
	if m.conn.shutdown() {
		if failed, ok := m.answer().(parley.LifespanShutdownFailed); ok {
			failure = errors.New(failed.Message)
		}
	}
	m.dismiss()
	return errors.Join(failure, m.failure())
}

// dismiss ends the app's conversation and waits for the app to return.
func (m *member) dismiss() {
	m.quit(parley.ErrClosed)
	<-m.done
}

// failure returns what the app returned, unless that only says that it was
// dismissed or that it could not start, which it has told already.
func (m *member) failure() error {
	switch {
	case m.panicked():
		return m.err
	case m.conn.failed(), errors.Is(m.err, net.ErrClosed), errors.Is(m.err, context.Canceled):
		return nil
	}
	return m.err
}

// panicked tells whether the app has, as far as is known.
func (m *member) panicked() bool {
	select {
	case <-m.done:
		_, ok := m.err.(*appPanic)
		return ok
	default:
		return false
	}
}
