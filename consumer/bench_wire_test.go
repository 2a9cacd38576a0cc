package consumer_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// BenchmarkReceive measures what a message of a client costs its consumer, by how that
// takes it.
func BenchmarkReceive(b *testing.B) {
	newTally := func() tally { return tally{} }
	for _, test := range []struct{ name, message string }{
		{"value", `{"type":"line","n":1}`},
		{"type", `{"type":"line","n":1}`},
		{"request", `{"type":"line","n":1,"id":7}`},
	} {
		handler := consumer.ReceiveType("line", tally.add)
		if test.name == "value" {
			handler = consumer.Receive(tally.add)
		}
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			message := parley.WebSocketReceive{Data: []byte(test.message)}
			_ = consumer.New(newTally, handler).Serve(b.Context(),
				&parley.Scope{Protocol: parley.WebSocket}, &chatterer{n: b.N, message: message})
		})
	}
}

// resumer is a conn whose client leaves when it has what it has missed.
type resumer struct {
	stillConn
	missing int
}

func (r *resumer) Send(_ context.Context, event parley.Event) error {
	if _, ok := event.(parley.WebSocketSend); ok {
		if r.missing--; r.missing == 0 {
			close(r.over)
		}
	}
	return nil
}

// BenchmarkResume measures how long a client takes, from its handshake on, to be handed
// a thousand messages that it has missed.
func BenchmarkResume(b *testing.B) {
	const missed = 1000
	layer := channel.New(channel.Options{History: []channel.HistoryRule{{Pattern: "kept.*"}}})
	defer layer.Close(context.Background())
	for n := range missed {
		message := channel.NewMessage("line", fmt.Appendf(nil, `{"text":"line %d of those"}`, n))
		if _, err := layer.GroupSend(b.Context(), "kept.room", message); err != nil {
			b.Fatal(err)
		}
	}
	app := consumer.New(func() tally { return tally{} }, consumer.Forward("line"),
		consumer.Options{Layer: layer, Groups: []channel.Group{"kept.room"}})
	request := httptest.NewRequest("GET", "/", nil)
	request.URL.RawQuery = url.Values{"parley-resume": {named("kept.room", "")}}.Encode()
	scope := &parley.Scope{Protocol: parley.WebSocket, Request: request}
	b.ReportAllocs()
	for b.Loop() {
		conn := &resumer{stillConn{over: make(chan struct{})}, missed}
		_ = app.Serve(b.Context(), scope, conn)
	}
}
