package parleytest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parleygo/parley"
)

// Patience is how long a driver waits for an app before it fails the test. In a
// bubble that is virtual time: a test that expects more lets it pass first, with
// time.Sleep.
const Patience = 30 * time.Second

// PanicError tells that the app panicked. It matches parley.ErrAppPanic, and
// what the app panicked with if that was an error.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("parleytest: app panicked: %v", e.Value) }

// Unwrap returns what the error matches.
func (e *PanicError) Unwrap() []error {
	if err, ok := e.Value.(error); ok {
		return []error{parley.ErrAppPanic, err}
	}
	return []error{parley.ErrAppPanic}
}

// errGoexit stands in for the result of an app that has none, because it ended
// its goroutine: t.FailNow in the app does that.
var errGoexit = errors.New("parleytest: app called runtime.Goexit")

var errTwice = errors.New("parleytest: Receive while another Receive runs")

// running is an app at work and the test's grip on it.
type running struct {
	monitor
	t    testing.TB
	end  context.CancelCauseFunc // ends the app's context
	sent []Sent
	over bool // the app has returned
	err  error

	receiving atomic.Bool // the app is
}

// serve runs the app until it returns. finish tells the client what becomes of
// the conversation then; it is called under the lock.
func (r *running) serve(
	ctx context.Context, app parley.App, scope *parley.Scope, conn parley.Conn, finish func(err error),
) {
	err := errGoexit
	defer func() {
		r.update(func() {
			finish(err)
			r.err, r.over = err, true
			r.end(parley.ErrFinished)
		})
	}()
	err = r.call(ctx, app, scope, conn)
}

func (r *running) call(ctx context.Context, app parley.App, scope *parley.Scope, conn parley.Conn) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{value, debug.Stack()}
			r.t.Logf("%v\n%s", err, err.(*PanicError).Stack)
		}
	}()
	return app.Serve(ctx, scope, conn)
}

// take hands an event of the app to accept, under the lock, and writes down what
// it was answered.
func (r *running) take(ctx context.Context, event parley.Event, accept func() error) (err error) {
	r.update(func() {
		switch {
		case r.over: // a goroutine that outlives its Serve
			err = parley.ErrClosed
		default:
			err = accept()
		}
		r.sent = append(r.sent, Sent{keep(event), err})
	})
	return err
}

// receive waits for an event that try finds. Two of the app's Receives at once
// would share out the events between them by chance, which fails the test.
func (r *running) receive(ctx context.Context, try func() parley.Event) (event parley.Event, err error) {
	if !r.receiving.CompareAndSwap(false, true) {
		r.t.Errorf("parleytest: the app receives twice at once")
		return nil, errTwice
	}
	defer r.receiving.Store(false)
	err = r.until(ctx, func() bool {
		event = try()
		return event != nil
	})
	return event, err
}

// await waits until try reports true, and fails the test if the app does not
// bring that about.
func (r *running) await(what string, try func() bool) {
	r.t.Helper()
	if !r.within(Patience, try) {
		r.t.Fatalf("parleytest: %s: nothing happened for %v", what, Patience)
	}
}

// within waits until try reports true, but no longer than d.
func (r *running) within(d time.Duration, try func() bool) bool {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return r.until(ctx, try) == nil
}

// wait waits for the app's end.
func (r *running) wait() error {
	r.t.Helper()
	r.await("waiting for the app to return", func() bool { return r.over })
	return r.err
}

// begin makes the app's context. The client leaves when its own context ends or
// the test does, which then waits for the app.
func (r *running) begin(client context.Context, leave func()) context.Context {
	ctx, end := context.WithCancelCause(context.WithoutCancel(client))
	r.end = end
	stay := context.AfterFunc(client, leave)
	r.t.Cleanup(func() {
		stay()
		leave()
		if !r.within(Patience, func() bool { return r.over }) {
			r.t.Errorf("parleytest: the app has not returned %v after its client left", Patience)
		}
	})
	return ctx
}

func (r *running) events() []Sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sent)
}
