package router_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

// The conversation of an app refuses what is out of order, with the rule's id,
// and goes silent after its end.
func TestLifespanOrder(t *testing.T) {
	rule := func(err error) string {
		var broken *parley.ProtocolError
		if errors.As(err, &broken) {
			return broken.Rule
		}
		return fmt.Sprint(err)
	}
	var got []string
	var atEnd error
	u := new(router.URLs)
	u.Handle("/", parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		for _, event := range []parley.Event{
			parley.HTTPResponseStart{}, stopped, started, started, stopped,
		} {
			got = append(got, rule(conn.Send(ctx, event)))
		}
		for range 2 { // start-up, which it has answered already, and shutdown
			if _, err := conn.Receive(ctx); err != nil {
				return err
			}
		}
		got = append(got, rule(conn.Send(ctx, stopped)))
		_, atEnd = conn.Receive(context.WithoutCancel(ctx))
		return nil
	}))
	answers, err := life(t, u)
	if want := []string{"A1.5", "A8.order", "<nil>", "A8.order", "A8.order",
		"<nil>"}; !slices.Equal(got, want) {
		t.Errorf("rules %v, want %v", got, want)
	}
	if err != nil || !slices.Equal(answers, []parley.Event{started, stopped}) ||
		!errors.Is(atEnd, parley.ErrClosed) {
		t.Errorf("%v, %v, at the end %v", answers, err, atEnd)
	}
}

func TestLifespanUnexpectedEvent(t *testing.T) {
	u := new(router.URLs)
	u.Handle("/", new(logbook).good("a"))
	p := &process{told: make(chan parley.Event, 1)}
	p.told <- parley.HTTPRequest{}
	err := u.Serve(t.Context(), &parley.Scope{Protocol: parley.Lifespan}, p)
	if err == nil || !strings.Contains(err.Error(), "http.request") {
		t.Errorf("error %v", err)
	}
}

// An app that has returned by itself is not waited for, and its error is told at
// shutdown.
func TestLifespanAppReturnsEarly(t *testing.T) {
	u := new(router.URLs)
	u.Handle("/", parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		return errors.Join(conn.Send(ctx, started), errBoom)
	}))
	answers, err := life(t, u)
	if want := []parley.Event{started, parley.LifespanShutdownFailed{Message: "boom"}}; err != nil ||
		!slices.Equal(answers, want) {
		t.Errorf("%v, %v", answers, err)
	}
}

// deadServer is a conn that takes no answer.
type deadServer struct{ process }

func (*deadServer) Send(context.Context, parley.Event) error { return errBoom }

// A server that does not take the answer is a reason to shut down.
func TestLifespanAnswerNotTaken(t *testing.T) {
	var l logbook
	u := new(router.URLs)
	u.Handle("/", l.good("a"))
	p := &deadServer{process{told: make(chan parley.Event, 1)}}
	p.told <- parley.LifespanStartup{}
	if err := u.Serve(t.Context(), &parley.Scope{Protocol: parley.Lifespan},
		p); !errors.Is(err, errBoom) {
		t.Errorf("error %v", err)
	}
	if want := []string{"a hears startup", "a hears shutdown",
		"a returns"}; !slices.Equal(l.lines, want) {
		t.Errorf("log %v, want %v", l.lines, want)
	}
}

// An answer after the end of the context is not taken for one.
func TestLifespanAnswerTooLate(t *testing.T) { synctest.Test(t, testAnswerTooLate) }

func testAnswerTooLate(t *testing.T) {
	var late error
	u := new(router.URLs)
	u.Handle("/", parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		<-ctx.Done()
		late = conn.Send(context.WithoutCancel(ctx), started)
		return nil
	}))
	ctx, cancel := context.WithCancelCause(t.Context())
	p := &process{told: make(chan parley.Event, 1)}
	p.told <- parley.LifespanStartup{}
	result := make(chan error)
	go func() { result <- u.Serve(ctx, &parley.Scope{Protocol: parley.Lifespan}, p) }()
	synctest.Wait()
	cancel(errBoom)
	if err := <-result; !errors.Is(err, errBoom) {
		t.Errorf("error %v", err)
	}
	if !errors.Is(late, parley.ErrDisconnected) {
		t.Errorf("late answer: %v", late)
	}
}
