package fallback_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/internal/drain"
	"github.com/parleygo/parley/parleytest"
)

// A drain says goodbye to streams and polls, after what was said before, whoever
// begins it: the App, the gateway, or one and then the other.
func TestDrain(t *testing.T) {
	type act func(t *testing.T, app *fallback.App, gateway context.CancelCauseFunc)
	for name, begin := range map[string]act{
		"the app": func(t *testing.T, app *fallback.App, _ context.CancelCauseFunc) {
			closes(t, app)
		},
		"the gateway": func(_ *testing.T, _ *fallback.App, gateway context.CancelCauseFunc) {
			gateway(parley.ErrDraining)
		},
		"the app first": func(t *testing.T, app *fallback.App, gateway context.CancelCauseFunc) {
			closes(t, app)
			gateway(parley.ErrDraining)
		},
		"the gateway first": func(t *testing.T, app *fallback.App, gateway context.CancelCauseFunc) {
			gateway(parley.ErrDraining)
			closes(t, app)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				h := new(host)
				app := serve(t, h.echo(), fallback.Options{})
				gateway, cancel := context.WithCancelCause(t.Context())
				c := (&client{t: t, app: draining(gateway, app), streams: streams}).mustOpen()
				c.attach()
				if streams {
					c.next()
				}
				synctest.Wait()
				h.say(t, "last")
				begin(t, app, cancel)
				if got := c.message(); got != "last" {
					t.Errorf("got %q", got)
				}
				end := c.next()
				if end.closed == nil || end.closed.Code != 1012 {
					t.Fatalf("%+v", end)
				}
				if retry := end.closed.Retry; retry < 1000 || retry > 3000 {
					t.Errorf("come back after %d ms", retry)
				}
				synctest.Wait()
				if got := h.causes(); len(got) != 1 || !errors.Is(got[0], parley.ErrDraining) {
					t.Errorf("ended with %v", got)
				}
				if !streams {
					return
				}
				got := c.x.Response()
				if got.Truncated || !strings.Contains(got.Body, "\n\nid:\nevent: close\nretry: ") {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

func closes(t *testing.T, app *fallback.App) {
	t.Helper()
	if err := app.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, streams := range transports {
		if got := (&client{t: t, app: app, streams: streams}).open(); got != 503 {
			t.Errorf("opened after Close: %d", got)
		}
	}
}

// draining is a gateway whose drain ends a request's context.
func draining(gateway context.Context, app parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer context.AfterFunc(gateway, func() { cancel(context.Cause(gateway)) })()
		return app.Serve(ctx, scope, conn)
	})
}

// A process that drains whatever it serves finds the App by its requests.
func TestDrainGroup(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		h, group := new(host), new(drain.Group)
		app := serve(t, h.echo(), fallback.Options{})
		below := parley.AppFunc(func(
			ctx context.Context, scope *parley.Scope, conn parley.Conn,
		) error {
			return app.Serve(drain.With(ctx, group), scope, conn)
		})
		c := (&client{t: t, app: below, streams: streams}).mustOpen()
		c.attach()
		synctest.Wait()
		if err := group.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if got := c.ended(); got != 1012 {
			t.Errorf("closed with %d", got)
		}
	})
}

// A client between two polls hears of the end when it comes.
func TestDrainBetweenPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := new(host)
		app := serve(t, h.echo(), fallback.Options{})
		c := (&client{t: t, app: app}).mustOpen()
		closes(t, app)
		if got := c.ended(); got != 1012 {
			t.Errorf("closed with %d", got)
		}
		settled(t, app)
	})
}

// A client that waits for the app's answer when a drain begins is told to come later.
func TestDrainInHandshake(t *testing.T) {
	for _, by := range []string{"app", "gateway"} {
		t.Run(by, func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				app := serve(t, silentApp, fallback.Options{})
				gateway, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				c := &client{t: t, app: draining(gateway, app), streams: streams}
				x := parleytest.Start(t, c.app, c.get())
				synctest.Wait()
				if by == "app" {
					closes(t, app)
				} else {
					cancel(parley.ErrDraining)
				}
				if got := x.Response(); got.Status != 503 {
					t.Errorf("%+v", got)
				}
				settled(t, app)
			})
		})
	}
}

// Middleware that has had enough of a request does not end the session, unless it is
// the login that has ended.
func TestRequestEnds(t *testing.T) {
	for _, test := range []struct {
		cause error
		goes  bool // the session goes on
	}{
		{context.DeadlineExceeded, true},
		{errTest, true},
		{parley.ErrAuthExpired, false},
	} {
		t.Run(test.cause.Error(), func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				h := new(host)
				app := serve(t, h.echo(), fallback.Options{})
				above, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				c := (&client{t: t, app: draining(above, app), streams: streams}).mustOpen()
				c.attach()
				synctest.Wait()
				cancel(test.cause)
				if got := c.x.Response(); got.Status != 200 || got.Truncated || got.Err != nil {
					t.Errorf("%+v", got)
				}
				c.app, c.x = app, nil
				if !test.goes {
					if got := c.ended(); got != 1006 {
						t.Errorf("ended with %d after it was told", got)
					}
					synctest.Wait()
					if got := h.causes(); len(got) != 1 || !errors.Is(got[0], test.cause) {
						t.Errorf("ended with %v", got)
					}
					return
				}
				h.say(t, "a")
				if got := c.message(); got != "a" {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}

// Close waits for apps as long as it may.
func TestCloseTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := serve(t, parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			_ = ws.Accept(ctx, parley.WebSocketAccept{})
			time.Sleep(time.Hour)
			return nil
		}), fallback.Options{})
		(&client{t: t, app: app}).mustOpen()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := app.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// A process that ends takes the sessions with it, before its app hears of that.
func TestLifespan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := new(host)
		var log []string
		with := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			if scope.Protocol != parley.Lifespan {
				return h.echo().Serve(ctx, scope, conn)
			}
			for {
				event, err := conn.Receive(ctx)
				if err != nil {
					return err
				}
				log = append(log, event.EventType())
				if _, last := event.(parley.LifespanShutdown); last {
					if got := len(h.causes()); got != 1 {
						t.Errorf("%d sessions have ended before the shutdown", got)
					}
					return conn.Send(ctx, parley.LifespanShutdownComplete{})
				}
				if err := conn.Send(ctx, parley.LifespanStartupComplete{}); err != nil {
					return err
				}
			}
		})
		for _, app := range []parley.App{with, h.echo()} {
			h.ends = nil
			served := serve(t, app, fallback.Options{})
			p := parleytest.Run(t, served)
			if err := p.Startup(); err != nil {
				t.Error(err)
			}
			(&client{t: t, app: served}).mustOpen()
			if err := p.Shutdown(); err != nil {
				t.Error(err)
			}
			if got := h.causes(); len(got) != 1 || !errors.Is(got[0], parley.ErrDraining) {
				t.Errorf("ended with %v", got)
			}
		}
		if len(log) != 2 {
			t.Errorf("the app heard %q", log)
		}
	})
}
