package consumer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// strangeConn is a conn that somebody else has wrapped, whose Receive ends as it
// is told.
type strangeConn struct {
	parley.Conn
	end func() error
}

func (c strangeConn) Unwrap() parley.Conn { return c.Conn }

func (c strangeConn) Receive(ctx context.Context) (parley.Event, error) {
	event, err := c.Conn.Receive(ctx)
	if message, ok := event.(parley.WebSocketReceive); ok && message.Text() == "end" {
		return nil, c.end()
	}
	return event, err
}

// A conn that fails below a consumer ends it, and handlers that wait are called
// away.
func TestStrangeConn(t *testing.T) {
	for kind, options := range map[string]consumer.Options{
		"goroutines": {}, "executor": {Executor: &apart{}}, "concurrent": {Concurrency: 2},
	} {
		for how, way := range ways {
			if way.want == nil {
				continue
			}
			t.Run(kind+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					waits := func(ctx context.Context) error { <-ctx.Done(); return nil }
					r := &room{}
					r.heard = func(ctx context.Context, _ *consumer.Conn, _ said) error { return waits(ctx) }
					r.receive = func(ctx context.Context, _ *consumer.Conn, _ parley.WebSocketReceive) error {
						return waits(ctx)
					}
					options.Layer, options.Groups = newLayer(t), []channel.Group{"lobby"}
					options.Logger = silent
					app := consumer.New(r.factory, options, consumer.On("line", (*room).Heard))
					s := dial(t, parley.AppFunc(
						func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
							return app.Serve(ctx, scope, strangeConn{conn, way.end})
						}))
					s.Accept()
					synctest.Wait()
					broadcast(t, options.Layer, "lobby", "line", "{}")
					if options.Concurrency > 1 {
						s.Send(parley.Text("wait"))
					}
					s.Send(parley.Text("end"))
					s.Wait()
					got := r.disconnects()
					if len(got) != 1 || !errors.Is(got[0], way.want) || app.Stats().Connections != 0 {
						t.Errorf("disconnected with %v, %+v", got, app.Stats())
					}
				})
			})
		}
	}
}
