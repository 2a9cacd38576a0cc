package consumer_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// chatterer is a conn whose client says the same n times.
type chatterer struct {
	n       int
	message parley.Event
	begun   bool
}

func (c *chatterer) Receive(context.Context) (parley.Event, error) {
	switch {
	case !c.begun:
		c.begun = true
		return parley.WebSocketConnect{}, nil
	case c.n == 0:
		return parley.WebSocketDisconnect{Cause: parley.ErrDisconnected}, nil
	}
	c.n--
	return c.message, nil
}

func (c *chatterer) Send(context.Context, parley.Event) error { return nil }

// counts takes what it is sent without keeping it.
type counts struct{ bytes int }

func (c *counts) ReceiveText(_ context.Context, _ *consumer.Conn, text string) error {
	c.bytes += len(text)
	return nil
}

func (c *counts) ReceiveBinary(_ context.Context, _ *consumer.Conn, data []byte) error {
	c.bytes += len(data)
	return nil
}

// repeats sends back what it is sent.
type repeats struct{}

func (repeats) ReceiveText(ctx context.Context, conn *consumer.Conn, text string) error {
	return conn.SendText(ctx, text)
}

// tally takes numbers.
type tally struct{}

func (tally) add(context.Context, *consumer.Conn, struct{ N int }) error { return nil }

// A message costs a consumer nothing of its own: a text is not copied to be a
// string, nor back, and its type is found without decoding it. What remains of a message
// sent is its event, and of a request its time limit.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	text := parley.WebSocketReceive{Data: []byte(strings.Repeat("x", 1000))}
	binary := parley.WebSocketReceive{Type: parley.BinaryMessage, Data: text.Data}
	line := parley.WebSocketReceive{Data: []byte(`{"type":"line","n":1}`)}
	request := parley.WebSocketReceive{Data: []byte(`{"type":"line","n":1,"id":7}`)}
	decoding := testing.AllocsPerRun(100, func() { // and the value
		var n struct{ N int }
		_ = json.Unmarshal(line.Data, &n)
	})
	for _, test := range []struct {
		name    string
		app     *consumer.App
		message parley.WebSocketReceive
		want    float64
	}{
		{"text", consumer.New(func() *counts { return new(counts) }), text, 0},
		{"binary", consumer.New(func() *counts { return new(counts) }), binary, 0},
		{"value", consumer.New(func() tally { return tally{} },
			consumer.Receive(tally.add)), line, decoding},
		{"value by its type", consumer.New(func() tally { return tally{} },
			consumer.ReceiveType("line", tally.add)), line, decoding},
		{"request", consumer.New(func() tally { return tally{} },
			consumer.ReceiveType("line", tally.add)), request, decoding + 15},
		{"text sent back", consumer.New(func() repeats { return repeats{} }), text, 1},
	} {
		scope := &parley.Scope{Protocol: parley.WebSocket}
		serve := func(n int) float64 {
			return testing.AllocsPerRun(10, func() {
				_ = test.app.Serve(t.Context(), scope, &chatterer{n: n, message: test.message})
			})
		}
		const n, others = 1000, 0.1 // what a collection has taken from pools is none of a message's
		if got := (serve(n) - serve(0)) / n; got > test.want+others {
			t.Errorf("%s: %v allocations a message, want %v", test.name, got, test.want)
		}
	}
}

// The stack of an idle socket fits into 4 KiB, be it a consumer's or a function's: a
// few hundred bytes more in any function between the adapter and the system call,
// and each socket has 8.
func TestIdleStack(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has frames of its own")
	}
	const n, most = 200, 5 << 10
	var joined sync.WaitGroup
	layer := newLayer(t)
	options := consumer.Options{Layer: layer, Groups: []channel.Group{"lobby"}}
	for name, app := range map[string]parley.App{
		"function": idler(&joined), "consumer": lobby(layer, options, &joined),
		"echo": echoer(&joined, (*parley.Socket).Read),
		"lent": echoer(&joined, (*parley.Socket).ReadLent),
	} {
		if _, stack := costOf(t, n, app, &joined); stack > most {
			t.Errorf("%s: %v bytes of stack for each idle socket, want at most %d", name, stack, most)
		}
	}
}
