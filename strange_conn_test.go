package parley_test

import (
	"context"
	"errors"
	"io"
	"math"
	"testing"

	"github.com/parleygo/parley"
)

// always is a conn whose Receive gives one event for ever.
type always struct{ event parley.Event }

func (a always) Receive(context.Context) (parley.Event, error) { return a.event, nil }
func (a always) Send(context.Context, parley.Event) error      { return nil }

// TestStrangeEvents: what does not belong ends the helpers, not in a loop.
func TestStrangeEvents(t *testing.T) {
	strange := always{parley.LifespanStartup{}}
	if _, err := io.ReadAll(parley.BodyReader(t.Context(), strange)); err == nil {
		t.Error("BodyReader takes it for a body")
	}
	app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		_, err := ws.Read(ctx)
		return err
	})
	scope := &parley.Scope{Protocol: parley.WebSocket}
	if err := app.Serve(t.Context(), scope, strange); err == nil {
		t.Error("WebSocketFunc takes it for a handshake")
	}
	if err := app.Serve(t.Context(), scope, always{parley.WebSocketConnect{}}); err == nil {
		t.Error("Read takes it for a message")
	}
}

func TestWebSocketFuncLostBeforeConnect(t *testing.T) {
	app := parley.WebSocketFunc(func(context.Context, *parley.Socket) error { panic("no handshake") })
	conn := always{parley.WebSocketDisconnect{Code: 1006, Cause: parley.ErrDraining}}
	err := app.Serve(t.Context(), &parley.Scope{Protocol: parley.WebSocket}, conn)
	if !errors.Is(err, parley.ErrDisconnected) || !errors.Is(err, parley.ErrDraining) {
		t.Errorf("%v is no clean end", err)
	}
}

func TestReadBodyWithoutLimit(t *testing.T) {
	for _, limit := range []int64{math.MaxInt64, -1, math.MinInt64} {
		all := always{parley.HTTPRequest{Body: []byte("all")}}
		if body, err := parley.ReadBody(t.Context(), all, limit); string(body) != "all" || err != nil {
			t.Errorf("limit %d: %q, %v", limit, body, err)
		}
	}
}
