package parley_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

// dial serves one socket with serve.
func dial(t *testing.T, serve func(ctx context.Context, ws *parley.Socket) error) *parleytest.Socket {
	return parleytest.Dial(t, parley.WebSocketFunc(serve), httptest.NewRequest("GET", "/", nil), "chat")
}

func TestWebSocketFuncOtherProtocols(t *testing.T) {
	app := parley.WebSocketFunc(func(context.Context, *parley.Socket) error { panic("not a socket") })
	got := parleytest.Do(t, app, httptest.NewRequest("GET", "/", nil))
	var unsupported *parley.UnsupportedProtocolError
	if !errors.As(got.Err, &unsupported) || unsupported.Protocol != parley.HTTP || got.Status != 426 {
		t.Errorf("got %+v", got)
	}
}

func TestSocketJSON(t *testing.T) {
	type point struct{ X, Y int }
	ws := dial(t, func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{Subprotocol: ws.Scope().Subprotocols[0]}); err != nil {
			return err
		}
		for {
			var p point
			if err := ws.ReadJSON(ctx, &p); err != nil {
				return err
			}
			if err := ws.WriteJSON(ctx, point{p.Y, p.X}); err != nil {
				return err
			}
		}
	})
	ws.SendJSON(point{1, 2})
	var got point
	if ws.ReceiveJSON(&got); got != (point{2, 1}) {
		t.Errorf("got %v", got)
	}
	ws.Send(parley.Text("{"))
	if code, _ := ws.Closed(); code != parley.CloseInvalidPayload {
		t.Errorf("closed with %d", code)
	}
}

func TestSocketWriteJSONRefuses(t *testing.T) {
	ws := dial(t, func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		return ws.WriteJSON(ctx, func() {})
	})
	if code, _ := ws.Closed(); code != parley.CloseInternalError || ws.Wait() == nil {
		t.Errorf("closed with %d", code)
	}
}

func TestSocketClose(t *testing.T) {
	ws := dial(t, func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		if err := ws.Close(ctx, 4000, "bye"); err != nil {
			return err
		}
		_, err := ws.Read(ctx)
		return err
	})
	if code, reason := ws.Closed(); code != 4000 || reason != "bye" {
		t.Errorf("closed with %d %q", code, reason)
	}
	if err := ws.Wait(); !errors.Is(err, parley.ErrDisconnected) {
		t.Errorf("read after close: %v", err)
	}
}

func TestSocketDeny(t *testing.T) {
	ws := dial(t, func(ctx context.Context, ws *parley.Socket) error {
		return ws.Deny(ctx, parley.WebSocketDeny{Status: 429})
	})
	if got := ws.Denial(); got.Status != 429 || got.Err != nil {
		t.Errorf("got %+v", got)
	}
}

func TestSocketLostWhileConnecting(t *testing.T) {
	gone := make(chan struct{})
	ws := dial(t, func(ctx context.Context, ws *parley.Socket) error {
		<-gone
		_, err := ws.Read(ctx)
		return errors.Join(err, ws.Accept(ctx, parley.WebSocketAccept{}))
	})
	ws.Vanish()
	close(gone)
	if err := ws.Wait(); !errors.Is(err, parley.ErrDisconnected) {
		t.Error(err)
	}
}

func TestSocketReadCause(t *testing.T) {
	ws := dial(t, func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		_, err := ws.Read(ctx)
		return err
	})
	ws.Accept()
	ws.Fail(parley.ErrAuthExpired)
	err := ws.Wait()
	if !errors.Is(err, parley.ErrDisconnected) || !errors.Is(err, parley.ErrAuthExpired) {
		t.Errorf("%v is not both the disconnect and its cause", err)
	}
	if ws.Sent()[0].Event.EventType() != "websocket.accept" {
		t.Errorf("sent %v", ws.Sent())
	}
}

// TestReadBeforeAccept fails at once, and so does an app that returns it.
func TestReadBeforeAccept(t *testing.T) {
	reads := map[string]func(ctx context.Context, ws *parley.Socket) error{
		"Read": func(ctx context.Context, ws *parley.Socket) error { _, err := ws.Read(ctx); return err },
		"ReadInto": func(ctx context.Context, ws *parley.Socket) error {
			_, err := ws.ReadInto(ctx, make([]byte, 10))
			return err
		},
		"ReadJSON": func(ctx context.Context, ws *parley.Socket) error { return ws.ReadJSON(ctx, new(any)) },
	}
	for name, read := range reads {
		socket := parleytest.Dial(t, parley.WebSocketFunc(read), httptest.NewRequest("GET", "/", nil))
		if denied := socket.Denial(); denied == nil || denied.Status != 500 {
			t.Errorf("%s: %+v", name, denied)
		}
		if err := socket.Wait(); !errors.Is(err, parley.ErrNotAccepted) || !strings.Contains(err.Error(), "before Accept") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEventsThatAreNone: what is no event of the conversation's is refused, with what to
// do instead, and breaks nothing.
func TestEventsThatAreNone(t *testing.T) {
	for name, event := range map[string]parley.Event{
		"pass events by value": &parley.WebSocketAccept{}, "by value": (*parley.WebSocketClose)(nil),
		"no event": nil, "http.response.start": parley.HTTPResponseStart{},
	} {
		for _, protocol := range []parley.Protocol{parley.WebSocket, parley.HTTP} {
			if protocol == parley.HTTP && name == "http.response.start" {
				continue
			}
			var err error
			app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
				err = conn.Send(ctx, event)
				return nil
			})
			if protocol == parley.HTTP {
				parleytest.Do(t, app, httptest.NewRequest("GET", "/", nil))
			} else {
				parleytest.Dial(t, app, httptest.NewRequest("GET", "/", nil)).Wait()
			}
			if !errors.Is(err, parley.ErrUnexpectedEvent) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", protocol, err)
			}
		}
	}
}

func TestWebSocketFuncOfNil(t *testing.T) {
	defer func() {
		if got := recover(); got != "parley: WebSocketFunc of a nil function" {
			t.Errorf("panicked with %v", got)
		}
	}()
	parley.WebSocketFunc(nil)
}
