package fallback_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
)

// A client that does not take what it is sent is ended, though its request hangs.
func TestStalled(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		h := new(host)
		app := serve(t, h.echo(), fallback.Options{})
		var stall *stalling
		below := parley.AppFunc(func(
			ctx context.Context, scope *parley.Scope, conn parley.Conn,
		) error {
			if stall != nil && scope.Method() == "GET" {
				stall.Conn = conn
				conn = stall
			}
			return app.Serve(ctx, scope, conn)
		})
		c := (&client{t: t, app: below, streams: streams}).mustOpen()
		stall = &stalling{release: make(chan bool)}
		c.attach()
		h.say(t, "news")
		began := time.Now()
		synctest.Wait()
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if got := h.causes(); len(got) != 1 || !errors.Is(got[0], parley.ErrSlowConsumer) {
			t.Errorf("ended with %v after %v", got, time.Since(began))
		}
		if got := app.Stats(); got.Slow != 1 {
			t.Errorf("%+v", got)
		}
		settled(t, app) // though the request hangs still
		close(stall.release)
		c.x.Wait()
	})
}

// stalling is a request of a client that does not read.
// An app hears of a drain, or of the end of what its client has shown, though that takes
// nothing of what is on its way.
func TestEndsWhileStalled(t *testing.T) {
	for _, cause := range []error{parley.ErrDraining, parley.ErrAuthExpired} {
		t.Run(cause.Error(), func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				h := new(host)
				app := serve(t, h.echo(), fallback.Options{WriteTimeout: -1})
				c := (&client{t: t, app: app, streams: streams}).mustOpen()
				above, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				stall := &stalling{release: make(chan bool)}
				c.app = draining(above, parley.AppFunc(func(
					ctx context.Context, scope *parley.Scope, conn parley.Conn,
				) error {
					stall.Conn = conn
					return app.Serve(ctx, scope, stall)
				}))
				c.attach()
				h.say(t, "news")
				synctest.Wait()
				cancel(cause)
				synctest.Wait()
				if got := h.causes(); len(got) != 1 || !errors.Is(got[0], cause) {
					t.Errorf("ended with %v", got)
				}
				close(stall.release)
				c.x.Wait()
				settled(t, app)
			})
		})
	}
}

type stalling struct {
	parley.Conn
	release chan bool
}

func (s *stalling) Send(ctx context.Context, event parley.Event) error {
	if body, ok := event.(parley.HTTPResponseBody); ok && strings.Contains(string(body.Body), "news") {
		<-s.release
		return parley.ErrDisconnected
	}
	return s.Conn.Send(ctx, event)
}

// A client that polls and confirms nothing is one that does not read.
func TestConfirmsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := new(host)
		app := serve(t, h.echo(), fallback.Options{})
		c := (&client{t: t, app: app}).mustOpen()
		h.say(t, "a")
		for i := range 6 { // 30 s in all
			got := c.next()
			if len(got.messages) != 1 {
				t.Fatalf("%d: %+v", i, got)
			}
			c.cursor = 0
			time.Sleep(5 * time.Second)
		}
		if got := c.next(); got.closed == nil || got.closed.Code != 1013 || got.closed.Retry == 0 {
			t.Errorf("%+v", got)
		}
		synctest.Wait()
		if got := h.causes(); len(got) != 1 || !errors.Is(got[0], parley.ErrSlowConsumer) {
			t.Errorf("ended with %v", got)
		}
		if got := app.Stats(); got.Slow != 1 {
			t.Errorf("%+v", got)
		}
		settled(t, app)
	})
}

// One that confirms, however slowly, is served.
func TestConfirmsSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := new(host)
		app := serve(t, h.echo(), fallback.Options{})
		c := (&client{t: t, app: app}).mustOpen()
		for i := range 20 {
			h.say(t, fmt.Sprint(i))
		}
		for i := range 20 {
			got := c.next()
			if len(got.messages) != 20-i {
				t.Fatalf("%d: %+v", i, got)
			}
			c.cursor = uint64(i) + 1
			time.Sleep(10 * time.Second)
		}
		if got := app.Stats(); got.Slow != 0 || got.Running != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// What waits for a client is bounded, and an app that may not wait is told so.
func TestQueue(t *testing.T) {
	for name, options := range map[string]fallback.Options{
		"messages": {QueueMessages: 3}, "bytes": {QueueBytes: 3 * (64 + 1)},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				h := new(host)
				c := (&client{t: t, app: serve(t, h.echo(), options), streams: streams}).mustOpen()
				if streams {
					c.x.Vanish()
					c.x.Wait()
				}
				for range 3 {
					h.say(t, "x")
				}
				offerer := h.conns[0].(parley.Offerer)
				if err := offerer.Offer(parley.Text("x")); !errors.Is(err, parley.ErrFull) {
					t.Errorf("%v", err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := h.conns[0].Send(ctx, parley.Text("x")); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v", err)
				}
				sent := make(chan error, 1)
				go func() { sent <- h.conns[0].Send(t.Context(), parley.Text("y")) }()
				c.x = nil
				if got := strings.Join(c.texts(4), ""); got != "xxxy" {
					t.Errorf("got %q", got)
				}
				if err := <-sent; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
