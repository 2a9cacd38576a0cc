package router

import (
	"context"
	"errors"
	"net"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/usercode"
)

// member is an app that lives through the lifespan on a goroutine of its own.
type member struct {
	conn *lifespanConn
	quit context.CancelCauseFunc
	done chan struct{}
	err  error // what the app returned, once done is closed
}

// enlist starts app.
func enlist(ctx context.Context, scope *parley.Scope, app parley.App) *member {
	ctx, quit := context.WithCancelCause(ctx)
	m := &member{conn: newLifespanConn(ctx.Done()), quit: quit, done: make(chan struct{})}
	go usercode.Call(func() error { return app.Serve(ctx, scope, m.conn) }, func(err error) {
		m.err = err
		close(m.done)
	})
	return m
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
	case m.crashed():
		return m.err
	case m.conn.failed(), errors.Is(m.err, net.ErrClosed), errors.Is(m.err, context.Canceled):
		return nil
	}
	return m.err
}

// crashed reports whether the app has panicked or ended its goroutine, as far as is
// known.
func (m *member) crashed() bool {
	select {
	case <-m.done:
		return m.panicked() != nil || m.err == parley.ErrGoexit
	default:
		return false
	}
}

// panicked returns what an app that has returned panicked with, or nil.
func (m *member) panicked() *parley.PanicError {
	panicked, _ := m.err.(*parley.PanicError)
	return panicked
}
