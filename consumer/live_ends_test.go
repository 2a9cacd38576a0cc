package consumer_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/internal/testlog"
)

// liveEnds are ways for a connection over net/http to end, by what fails where.
var liveEnds = []struct {
	name  string
	where string // the function that ends so; "" for none
	end   func() error
	log   string               // what the one line holds; "" for no line
	code  parley.CloseCode     // that the client sees
	deny  int                  // or the status
	act   func(*channel.Layer) // what is done to an open connection
}{
	{name: "peer says goodbye", code: 1000},
	{name: "denied", where: "Connect", end: func() error { return consumer.ErrStop }, deny: 403},
	{name: "Connect fails", where: "Connect", end: fails, deny: 500, log: "error=test"},
	{name: "Connect panics", where: "Connect", end: ouch, deny: 500, log: "ouch"},
	{name: "Connect exits", where: "Connect", end: exits, deny: 500, log: "Goexit"},
	{name: "no capacity", where: "Connect", end: overloaded, deny: 503},
	{name: "Open fails", where: "Open", end: fails, code: 1011, log: "error=test"},
	{name: "handler stops", where: "Receive", end: func() error { return consumer.ErrStop },
		code: 1000},
	{name: "handler fails", where: "Receive", end: fails, code: 1011, log: "error=test"},
	{name: "handler panics", where: "Receive", end: ouch, code: 1011, log: "ouch"},
	{name: "handler exits", where: "Receive", end: exits, code: 1011, log: "Goexit"},
	{name: "handler of the layer's fails", where: "On", end: fails, code: 1011, log: "error=test"},
	{name: "handler of the layer's panics", where: "On", end: ouch, code: 1011, log: "ouch"},
	{name: "handler of the layer's exits", where: "On", end: exits, code: 1011, log: "Goexit"},
	{name: "Disconnect panics", where: "Disconnect", end: ouch, code: 1000, log: "ouch"},
	{name: "kick", act: kickAll(parley.ErrAuthExpired), code: 4401},
	{name: "kick with a reason", act: kickAll(goodbye), code: 4000},
	{name: "kick with an error", act: kickAll(errTest), code: 1011},
}

func fails() error      { return errTest }
func ouch() error       { panic("ouch") }
func exits() error      { runtime.Goexit(); return nil }
func overloaded() error { return parley.ErrOverloaded }

func kickAll(cause error) func(*channel.Layer) {
	return func(layer *channel.Layer) { _, _ = layer.KickGroup(context.Background(), "lobby", cause) }
}

// Over net/http: the client is told, Disconnect is called once, nothing remains, and
// a failure is one line in the log.
func TestLiveEnds(t *testing.T) {
	for _, test := range liveEnds {
		t.Run(test.name, func(t *testing.T) {
			log, layer := new(testlog.Lines), newLayer(t)
			f := &fragile{in: func(here string) error {
				if here == test.where {
					return test.end()
				}
				return nil
			}}
			app := liveFragile(f, layer, log)
			gateway := nethttp.Handler(app, nethttp.Options{Logger: log.Logger()})
			server := httptest.NewServer(gateway)
			defer server.Close()

			client, response, err := websocket.DefaultDialer.Dial("ws"+server.URL[len("http"):], nil)
			switch {
			case err == nil:
				checkCode(t, client, test.where, layer, test.act, test.code)
				client.Close()
			case test.deny == 0 || response.StatusCode != test.deny:
				t.Errorf("answered with %v, %v", response, err)
			}
			if err := gateway.Drain(t.Context()); err != nil {
				t.Error(err)
			}
			if len(f.causes) != 1 || app.Stats().Connections != 0 || layer.Stats().Inboxes != 0 {
				t.Errorf("disconnected with %v, %+v, %+v", f.causes, app.Stats(), layer.Stats())
			}
			text := log.String()
			if (test.log == "") != (log.Len() == 0) || log.Len() > 1 || !strings.Contains(text,
				test.log) {
				t.Errorf("logged %q, want one line with %q", log.All(), test.log)
			}
		})
	}
}

func liveFragile(f *fragile, layer *channel.Layer, log *testlog.Lines) *consumer.App {
	options := f.options()
	options.Layer, options.Logger = layer, log.Logger()
	heard := func(f *fragile, ctx context.Context, conn *consumer.Conn, _ said) error {
		return f.heard(ctx, conn)
	}
	return newFragile(f, options, consumer.On("line", heard))
}

// checkCode has a connection end, and reads how.
func checkCode(
	t *testing.T, client *websocket.Conn, where string, layer *channel.Layer,
	act func(*channel.Layer), want parley.CloseCode,
) {
	t.Helper()
	switch {
	case act != nil:
		act(layer)
	case where == "On":
		broadcast(t, layer, "lobby", "line", "{}")
	case where == "Receive":
		_ = client.WriteMessage(websocket.TextMessage, []byte("x"))
	case where != "Open":
		_ = client.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""))
	}
	var closed *websocket.CloseError
	_, _, err := client.ReadMessage()
	if !errors.As(err, &closed) || closed.Code != int(want) {
		t.Errorf("closed with %v, want %d", err, want)
	}
	if closed != nil && strings.Contains(closed.Text, "test") {
		t.Errorf("the client was told %q", closed.Text)
	}
}
