package consumer_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/parleytest"
)

// doorman is a conn that acts when its client is let in.
type doorman struct {
	parley.Conn
	before, after func()
}

func (d doorman) Unwrap() parley.Conn { return d.Conn }

func (d doorman) Send(ctx context.Context, event parley.Event) error {
	if _, ok := event.(parley.WebSocketAccept); !ok {
		return d.Conn.Send(ctx, event)
	}
	d.before()
	defer d.after()
	return d.Conn.Send(ctx, event)
}

func behind(next parley.App, before, after func()) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return next.Serve(ctx, scope, doorman{conn, before, after})
	})
}

func nothing() {}

// B2.10: a client that knows it is in misses nothing, and Open goes first.
func TestFreshClient(t *testing.T) {
	for name, at := range map[string]func(next parley.App, send func()) parley.App{
		"before": func(next parley.App, send func()) parley.App { return behind(next, send, nothing) },
		"after":  func(next parley.App, send func()) parley.App { return behind(next, nothing, send) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer := newLayer(t)
				r := &room{
					open: func(ctx context.Context, conn *consumer.Conn) error {
						return conn.SendText(ctx, "welcome")
					},
					heard: func(ctx context.Context, conn *consumer.Conn, heard said) error {
						return conn.SendText(ctx, heard.Text)
					},
				}
				app := consumer.New(r.factory,
					consumer.Options{Layer: layer, Groups: []channel.Group{"lobby"}},
					consumer.Forward("line"), consumer.On("said", (*room).Heard))
				s := dial(t, at(app, func() {
					broadcast(t, layer, "lobby", "said", `{"text":"one"}`)
					got := broadcast(t, layer, "lobby", "line", "two")
					if got.Enqueued != 1 {
						t.Errorf("%+v", got)
					}
				}))
				for _, want := range []string{"welcome", "one", "two"} {
					if got := s.Receive().Text(); got != want {
						t.Errorf("received %q, want %q", got, want)
					}
				}
			})
		})
	}
}

// A kick that comes while the client is let in ends the connection.
func TestFreshClientKicked(t *testing.T) {
	for name, at := range map[string]func(next parley.App, kick func()) parley.App{
		"before": func(next parley.App, kick func()) parley.App { return behind(next, kick, nothing) },
		"after":  func(next parley.App, kick func()) parley.App { return behind(next, nothing, kick) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer, r := newLayer(t), &room{}
				app := consumer.New(r.factory,
					consumer.Options{Layer: layer, Groups: []channel.Group{"lobby"}})
				s := parleytest.Dial(t, at(app, func() {
					n, err := layer.KickGroup(context.Background(), "lobby", parley.ErrAuthExpired)
					if n != 1 || err != nil {
						t.Errorf("kicked %d, %v", n, err)
					}
				}), request())
				s.Wait()
				got := r.disconnects()
				if len(got) != 1 || parley.CodeOf(got[0]) != parley.CloseUnauthorized {
					t.Errorf("disconnected with %v", got)
				}
			})
		})
	}
}
