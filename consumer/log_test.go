package consumer_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// brokenLog is a logger that ends otherwise than it should.
type brokenLog struct {
	slog.Handler
	end func() error
}

func (brokenLog) Enabled(context.Context, slog.Level) bool    { return true }
func (b brokenLog) Handle(context.Context, slog.Record) error { return b.end() }

// A logger that is broken costs its line: the connection ends as it would have.
func TestBrokenLog(t *testing.T) {
	for name, end := range map[string]func() error{"panic": ouch, "exit": exits} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer, r := newLayer(t), &room{}
				r.receive = func(context.Context, *consumer.Conn, parley.WebSocketReceive) error {
					return errTest
				}
				r.gone = func(context.Context, *consumer.Conn) { panic("ouch") }
				app := consumer.New(r.factory, consumer.On("line", (*room).Heard), consumer.Options{
					Layer: layer, Groups: []channel.Group{"lobby"}, Unknown: consumer.UnknownLog,
					Logger: slog.New(brokenLog{end: end}),
				})
				s := dial(t, app)
				s.Accept()
				synctest.Wait()
				go broadcast(t, layer, "lobby", "strange", "")
				synctest.Wait()
				s.Send(parley.Text("x")) // fails, and so does Disconnect
				s.Wait()
				if got := app.Stats(); got.Connections != 0 || got.Unknown != 1 {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}
