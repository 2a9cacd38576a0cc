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

// What a client says to the others does not come back to it, whether the group has a
// history or not.
func TestSendOthers(t *testing.T) {
	for _, group := range []channel.Group{"room", "kept.room"} {
		synctest.Test(t, func(t *testing.T) {
			layer := keeping(t, 10)
			r := &room{receive: func(ctx context.Context, conn *consumer.Conn,
				said parley.WebSocketReceive) error {
				got, err := conn.SendOthers(ctx, group, channel.NewMessage("line", said.Data))
				if got.Matched != 1 || got.Enqueued != 1 {
					t.Errorf("%+v", got)
				}
				return err
			}}
			app := consumer.New(r.factory, consumer.Forward("line"),
				consumer.Options{Layer: layer, Groups: []channel.Group{group}})
			one, other := &bySocket{dial(t, app)}, &bySocket{dial(t, app)}
			for _, l := range []*bySocket{one, other} {
				l.Accept()
				if group != "room" {
					heard(t, l) // where it is
				}
			}
			one.Send(parley.Text("1"))
			if group == "room" {
				if got := other.next(); got != "1" {
					t.Errorf("heard %s", got)
				}
			} else {
				hearsLines(t, other, 1, 1)
			}
			if !one.Quiet() {
				t.Errorf("%s: heard itself", group)
			}
			one.leave()
			other.leave()
		})
	}
}

// Without a layer there are no others, and in Connect the client is in no group.
func TestSendOthersEarly(t *testing.T) {
	layer := newLayer(t)
	for _, options := range []consumer.Options{{}, {Layer: layer}} {
		r := &room{connect: func(ctx context.Context, conn *consumer.Conn) (consumer.Answer, error) {
			_, err := conn.SendOthers(ctx, "room", channel.NewMessage("line", nil))
			if errors.Is(err, consumer.ErrNoLayer) != (options.Layer == nil) {
				t.Error(err)
			}
			return accept, nil
		}}
		s := dial(t, consumer.New(r.factory, options))
		s.Close(parley.CloseNormal, "")
		s.Wait()
	}
}

// What a layer says of itself goes to clients that are told anything, or to the handler
// that wants it.
func TestNotices(t *testing.T) {
	const resync = `{"type":"channel.resync","groups":["lobby"]}`
	layer := newLayer(t)
	r := &room{}
	own := func(_ *room, ctx context.Context, conn *consumer.Conn, _ channel.Message) error {
		return conn.SendText(ctx, "own")
	}
	for want, handler := range map[string]consumer.Option{
		resync: consumer.Forward("line"), "own": consumer.On(channel.TypeResync, own),
		"": consumer.On("other", (*room).Heard),
	} {
		s := dial(t, consumer.New(r.factory, handler,
			consumer.Options{Layer: layer, Groups: []channel.Group{"lobby"}}))
		s.Accept()
		broadcast(t, layer, "lobby", channel.TypeResync, resync)
		if want == "" && !s.Quiet() {
			t.Error("heard something")
		} else if want != "" {
			if got := s.Receive().Text(); got != want {
				t.Errorf("heard %s, want %s", got, want)
			}
		}
		s.Close(parley.CloseNormal, "")
		s.Wait()
	}
}
