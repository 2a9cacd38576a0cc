package main

import (
	"context"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

const (
	maxMessage = 16 << 10 // bytes of what a page sends
	maxWaiting = 32       // messages kept for a client that falls behind
)

// newChat is the one definition that serves a page by WebSocket and, below
// fallback.New, by server-sent events and by polls.
func newChat(layer *channel.Layer, nap func(context.Context)) *consumer.App {
	rooms := &rooms{layer: layer}
	return consumer.New(func() *member { return &member{rooms: rooms, nap: nap} },
		consumer.Options{
			Layer:    layer,
			Policy:   channel.Coalesce,
			Key:      key,
			Capacity: channel.Capacity{Messages: maxWaiting},
		},
		consumer.ReceiveType("line", (*member).say), // the page asks whether it was heard
		consumer.ReceiveType("typing", (*member).types),
		consumer.ReceiveType("who", (*member).who),
		consumer.ReceiveType("slow", (*member).dawdle),
		consumer.Forward("chat.line", "chat.typing"), // encoded once for the whole room
		consumer.On("chat.nap", (*member).doze),
	)
}

// key says which messages replace their like while they wait for a slow client:
// those who type are told as a whole each time, so the latest is enough. Lines are
// kept, as many as there is room for. The oldest that waits makes room, be it a line
// or a list: the page notices by the numbers. Who comes and goes is not lost: that the
// consumer sees to.
func key(message channel.Message) string {
	if message.Type() == "chat.typing" {
		return message.Type()
	}
	return ""
}

// member is somebody in a room, by one page. Its methods run one at a time.
type member struct {
	rooms *rooms
	room  *room
	nick  string
	nap   func(context.Context)
	slow  int // see slow.go
}

// said is a line that a page sends.
type said struct {
	Key  string `json:"key"` // the page's own, by which it knows its line again
	Text string `json:"text"`
}

// switched is what a page sends of something that goes on for a while.
type switched struct {
	On bool `json:"on"`
}

// Connect finds out who it is, and lets them into a room that there can be.
func (m *member) Connect(ctx context.Context, conn *consumer.Conn) (consumer.Answer, error) {
	nick, err := auth.User[string](ctx)
	if err != nil {
		return consumer.Answer{}, err
	}
	room, err := m.rooms.find(conn.Scope().PathValue("room"))
	if err != nil {
		return consumer.Deny(parley.WebSocketDeny{
			Status: http.StatusNotFound, Body: []byte(err.Error()),
		}), nil
	}
	m.nick, m.room = nick, room
	return consumer.Accept(parley.WebSocketAccept{}), nil
}

// Open sends what was said before.
func (m *member) Open(ctx context.Context, conn *consumer.Conn) error {
	return m.room.enter(ctx, m, conn)
}

// Disconnect is called for everybody, also for those who never got in.
func (m *member) Disconnect(ctx context.Context, _ *consumer.Conn, _ error) {
	if m.room != nil {
		m.room.leave(ctx, m)
	}
}

func (m *member) say(ctx context.Context, _ *consumer.Conn, said said) error {
	return m.room.say(ctx, m, said.Key, said.Text)
}

func (m *member) types(ctx context.Context, _ *consumer.Conn, typing switched) error {
	return m.room.types(ctx, m, typing.On)
}

func (m *member) who(ctx context.Context, conn *consumer.Conn, _ struct{}) error {
	return m.room.who(ctx, conn)
}
