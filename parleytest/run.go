package parleytest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/monitor"
	"github.com/parleygo/parley/internal/usercode"
	"github.com/parleygo/parley/internal/wiring"
)

// Patience is how long a driver waits for an app before it fails the test. In a
// bubble that is virtual time: a test that expects more lets it pass first, with
// time.Sleep.
const Patience = 30 * time.Second

var errTwice = errors.New("parleytest: Receive while another Receive runs")

// running is an app at work and the test's grip on it.
type running struct {
	state monitor.Monitor
	t     testing.TB
	end   context.CancelCauseFunc // ends the app's context
	sent  []Sent
	over  bool // the app has returned
	err   error

	receiving atomic.Bool // the app is
}

// need fails the test at once where it has brought no app, or no request.
func need(t testing.TB, app parley.App, request *http.Request) {
	t.Helper()
	if wiring.Missing(app) {
		t.Fatal("parleytest: the app is nil")
	}
	if request == nil {
		t.Fatal("parleytest: the request is nil")
	}
}

// serve runs the app until it ends, whichever way. finish settles what becomes of
// the conversation for the client; it is called under the lock.
func (r *running) serve(
	ctx context.Context, app parley.App, scope *parley.Scope, conn parley.Conn, finish func(err error),
) {
	usercode.Call(func() error { return app.Serve(ctx, scope, conn) }, func(err error) {
		err = r.ended(ctx, err)
		r.state.Update(func() {
			finish(err)
			r.err, r.over = err, true
			r.end(parley.ErrFinished)
		})
	})
}

// ended returns how the app has ended, and logs a panic. A handler below that finds
// its client gone panics as net/http's do: that is a disconnect.
func (r *running) ended(ctx context.Context, err error) error {
	var panicked *parley.PanicError
	switch {
	case errors.Is(err, http.ErrAbortHandler):
		if errors.Is(context.Cause(ctx), parley.ErrDisconnected) {
			return parley.ErrDisconnected
		}
	case errors.As(err, &panicked):
		r.t.Logf("parleytest: %v\n%s", err, panicked.Stack)
	}
	return err
}

// take hands an event of the app to accept, under the lock, and writes down what
// it was answered.
func (r *running) take(ctx context.Context, event parley.Event, accept func() error) (err error) {
	r.state.Update(func() {
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
func (r *running) receive(
	ctx context.Context, try func() parley.Event,
) (event parley.Event, err error) {
	if !r.receiving.CompareAndSwap(false, true) {
		r.t.Errorf("parleytest: the app receives twice at once")
		return nil, errTwice
	}
	defer r.receiving.Store(false)
	err = r.state.Until(ctx, func() bool {
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
	return r.state.Until(ctx, try) == nil
}

// wait waits for the app's end.
func (r *running) wait() error {
	r.t.Helper()
	r.await("waiting for the app to return", func() bool { return r.over })
	return r.err
}

// why tells how the app has failed, for a test that fails for it; "" if it has not.
func (r *running) why() (text string) {
	r.state.Look(func() {
		if r.over && r.err != nil {
			text = ": the app returned: " + r.err.Error()
		}
	})
	return text
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

func (r *running) events() (sent []Sent) {
	r.state.Look(func() { sent = slices.Clone(r.sent) })
	return sent
}
