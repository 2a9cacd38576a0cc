package consumer_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// writtenConn notes how messages are sent.
type writtenConn struct {
	stillConn
	room int // for messages that are offered, until one is sent

	mu    sync.Mutex
	queue int
	notes []string
}

func (c *writtenConn) Send(_ context.Context, event parley.Event) error {
	if message, ok := event.(parley.WebSocketSend); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.queue = 0
		c.note("sent", message)
	}
	return nil
}

func (c *writtenConn) Offer(message parley.WebSocketSend) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queue == c.room {
		return parley.ErrFull
	}
	c.queue++
	c.note("offered", message)
	return nil
}

func (c *writtenConn) note(how string, message parley.WebSocketSend) {
	_, payload := message.Payload()
	_, data, _ := strings.Cut(string(payload), `"data":`)
	c.notes = append(c.notes, fmt.Sprint(how, " ", strings.TrimSuffix(data, "}")))
}

// bareConn can only be sent to.
type bareConn struct{ parley.Conn }

// What waits goes out together: all that has more behind it is offered, as long as there
// is room, and the last is sent and takes it along.
func TestLettersTogether(t *testing.T) {
	for _, test := range []struct {
		name string
		room int
		bare bool
		want []string
	}{
		{"room", 9, false, []string{"offered 1", "offered 2", "offered 3", "offered 4", "sent 5"}},
		{"little room", 2, false, []string{"offered 1", "offered 2", "sent 3", "offered 4", "sent 5"}},
		{"none", 0, false, []string{"sent 1", "sent 2", "sent 3", "sent 4", "sent 5"}},
		{"nowhere to offer", 9, true, []string{"sent 1", "sent 2", "sent 3", "sent 4", "sent 5"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer := keeping(t, 1000)
				sendLines(t, layer, 1, len(test.want))
				app := consumer.New(func() *int { return new(int) }, consumer.Forward("line"),
					consumer.Options{Layer: layer, Groups: []channel.Group{"kept.room"}})
				noted := &writtenConn{room: test.room, stillConn: stillConn{over: make(chan struct{})}}
				var conn parley.Conn = noted
				if test.bare {
					conn = bareConn{noted}
				}
				scope := &parley.Scope{
					Protocol: parley.WebSocket, Request: resuming(named("kept.room", "")),
				}
				go func() { _ = app.Serve(t.Context(), scope, conn) }()
				synctest.Wait()
				if !slices.Equal(noted.notes, test.want) {
					t.Errorf("%q, want %q", noted.notes, test.want)
				}
				close(noted.over)
				synctest.Wait()
			})
		})
	}
}
