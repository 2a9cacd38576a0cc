package consumer_test

import (
	"context"
	"strings"
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

// nosy is a transport that notices what is subscribed to.
type nosy struct {
	channel.Transport
	notice func(subject string)
}

func (n nosy) Subscribe(
	ctx context.Context, subject string, deliver func([]byte),
) (channel.Subscription, error) {
	n.notice(subject)
	return n.Transport.Subscribe(ctx, subject, deliver)
}

// kickFresh dials a consumer that is kicked while its client is let in: when it has
// joined the first of its groups, or when the handshake is answered.
func kickFresh(t *testing.T, cause error, early bool) (*parleytest.Socket, *room) {
	var layer *channel.Layer
	kick := func() {
		n, err := layer.KickGroup(context.Background(), "first", cause)
		if n != 1 || err != nil {
			t.Errorf("kicked %d, %v", n, err)
		}
	}
	notice := func(subject string) {
		if early && strings.HasSuffix(subject, "second") {
			kick()
		}
	}
	broker := new(channel.Broker)
	layer = channel.New(channel.Options{Transport: nosy{broker.Connect(), notice}, Logger: silent})
	t.Cleanup(func() { _ = layer.Close(context.Background()) })
	r := &room{}
	groups := []channel.Group{"first", "second"}
	var app parley.App = consumer.New(r.factory, consumer.Options{Layer: layer, Groups: groups})
	if !early {
		app = behind(app, nothing, kick)
	}
	return dial(t, app), r
}

// A kick that comes before the client is let in denies it, and one that comes at
// that moment closes the connection.
func TestFreshClientKicked(t *testing.T) {
	for _, test := range []struct {
		cause  error
		status int
		code   parley.CloseCode
	}{
		{parley.ErrAuthExpired, 401, 4401},
		{parley.ErrDraining, 503, 1012},
		{parley.ErrSlowConsumer, 503, 1013},
		{goodbye, 403, 4000},
		{nil, 403, 1000},
		{errTest, 500, 1011},
	} {
		early, r := kickFresh(t, test.cause, true)
		if got := early.Denial(); got.Status != test.status {
			t.Errorf("%v: denied with %d, want %d", test.cause, got.Status, test.status)
		}
		early.Wait()
		late, other := kickFresh(t, test.cause, false)
		if code, _ := late.Closed(); code != test.code {
			t.Errorf("%v: closed with %d, want %d", test.cause, code, test.code)
		}
		late.Wait()
		for _, got := range [][]error{r.disconnects(), other.disconnects()} {
			if len(got) != 1 || parley.CodeOf(got[0]) != test.code {
				t.Errorf("%v: disconnected with %v", test.cause, got)
			}
		}
	}
}
