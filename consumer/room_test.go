package consumer_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/parleytest"
)

// room is a consumer with all hooks, each of which a test may replace.
type room struct {
	connect func(ctx context.Context, conn *consumer.Conn) (consumer.Answer, error)
	open    func(ctx context.Context, conn *consumer.Conn) error
	receive func(ctx context.Context, conn *consumer.Conn, message parley.WebSocketReceive) error
	said    func(ctx context.Context, conn *consumer.Conn, said said) error
	heard   func(ctx context.Context, conn *consumer.Conn, heard said) error
	bad     func(ctx context.Context, conn *consumer.Conn, message parley.WebSocketReceive,
		err error) error

	mu     sync.Mutex
	causes []error // that Disconnect was told
	gone   func(ctx context.Context, conn *consumer.Conn)
}

var accept = consumer.Accept(parley.WebSocketAccept{})

type said struct {
	Text string `json:"text"`
}

func (r *room) Connect(ctx context.Context, conn *consumer.Conn) (consumer.Answer, error) {
	if r.connect == nil {
		return accept, nil
	}
	return r.connect(ctx, conn)
}

func (r *room) Open(ctx context.Context, conn *consumer.Conn) error {
	if r.open == nil {
		return nil
	}
	return r.open(ctx, conn)
}

func (r *room) Receive(ctx context.Context, conn *consumer.Conn,
	message parley.WebSocketReceive) error {
	if r.receive == nil {
		return nil
	}
	return r.receive(ctx, conn, message)
}

func (r *room) Said(ctx context.Context, conn *consumer.Conn, said said) error {
	return r.said(ctx, conn, said)
}

func (r *room) Heard(ctx context.Context, conn *consumer.Conn, heard said) error {
	return r.heard(ctx, conn, heard)
}

func (r *room) DecodeError(ctx context.Context, conn *consumer.Conn,
	message parley.WebSocketReceive, err error) error {
	if r.bad == nil {
		return err
	}
	return r.bad(ctx, conn, message, err)
}

func (r *room) Disconnect(ctx context.Context, conn *consumer.Conn, cause error) {
	if r.gone != nil {
		r.gone(ctx, conn)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.causes = append(r.causes, cause)
}

func (r *room) disconnects() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.causes)
}

// factory gives every client the same room, which is what a test wants.
func (r *room) factory() *room { return r }

func newLayer(t testing.TB) *channel.Layer {
	layer := channel.New(channel.Options{})
	t.Cleanup(func() {
		if err := layer.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return layer
}

var silent = slog.New(slog.DiscardHandler)

func dial(t testing.TB, app parley.App) *parleytest.Socket {
	t.Helper()
	return parleytest.Dial(t, app, request())
}

// dialWith dials with the values of ctx.
func dialWith(t testing.TB, ctx context.Context, app parley.App) *parleytest.Socket {
	t.Helper()
	return parleytest.Dial(t, app, request().WithContext(ctx))
}

// broadcast sends to a group and returns what became of it.
func broadcast(t testing.TB, layer *channel.Layer, group channel.Group, typ,
	payload string) channel.SendResult {
	t.Helper()
	result, err := layer.GroupSend(context.Background(), group, channel.NewMessage(typ,
		[]byte(payload)))
	if err != nil {
		t.Error(err)
	}
	return result
}
