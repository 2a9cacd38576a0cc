package parleytest_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

// echo accepts the first subprotocol offered and returns every message.
var echo = parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
	var accept parley.WebSocketAccept
	if offered := ws.Scope().Subprotocols; len(offered) > 0 {
		accept.Subprotocol = offered[0]
	}
	if err := ws.Accept(ctx, accept); err != nil {
		return err
	}
	for {
		message, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		if err := ws.Write(ctx, parley.WebSocketSend{Type: message.Type,
			Data: message.Data}); err != nil {
			return err
		}
	}
})

func TestSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws := parleytest.Dial(t, echo, get(), "chat", "superchat")
		if got := ws.Accept().Subprotocol; got != "chat" {
			t.Errorf("subprotocol %q", got)
		}
		ws.Send(parley.Text("hi"))
		ws.Send(parley.Binary([]byte{0}))
		if got := ws.Receive(); got.Text() != "hi" || got.Type != parley.TextMessage {
			t.Errorf("got %v", got)
		}
		if got := ws.Receive(); got.Text() != "\x00" || got.Type != parley.BinaryMessage {
			t.Errorf("got %v", got)
		}
		if !ws.Quiet() {
			t.Error("a message too many")
		}
		if got, ok := ws.ReceiveWithin(time.Hour); ok {
			t.Errorf("got %v", got)
		}
		ws.SendJSON(map[string]int{"n": 1}) // the app has outlived the receive that gave up
		var got map[string]int
		if ws.ReceiveJSON(&got); got["n"] != 1 {
			t.Errorf("got %v", got)
		}
		ws.Close(4000, "bye")
		var closed *parley.CloseError
		if err := ws.Wait(); !errors.As(err, &closed) ||
			*closed != (parley.CloseError{Code: 4000, Reason: "bye"}) {
			t.Errorf("the app was told %v", err)
		}
		if code, _ := ws.Closed(); code != 4000 {
			t.Errorf("the browser was told %d", code)
		}
	})
}

// An app that keeps what it has read into its own buffer finds it overwritten, as on
// a live socket.
func TestSocketReadInto(t *testing.T) {
	ws := parleytest.Dial(t, parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		var kept []string
		var all [][]byte
		buffer := make([]byte, 5)
		for {
			m, err := ws.ReadInto(ctx, buffer)
			if err != nil {
				for _, data := range all {
					kept = append(kept, string(data))
				}
				if got := strings.Join(kept, " "); got != "three three longer three" {
					t.Errorf("kept %q", got)
				}
				return err
			}
			all = append(all, m.Data)
		}
	}), get())
	for _, text := range []string{"one  ", "two  ", "longer", "three"} {
		ws.Send(parley.Text(text))
	}
	ws.Close(4000, "bye")
	var closed *parley.CloseError
	if err := ws.Wait(); !errors.As(err, &closed) || closed.Code != 4000 {
		t.Errorf("ended with %v", err)
	}
}

// So does one that keeps what it was lent.
func TestSocketReadLent(t *testing.T) {
	ws := parleytest.Dial(t, parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		for {
			kept, err := ws.ReadLent(ctx)
			if err != nil {
				return err
			}
			text := kept.Text()
			own, err := ws.Read(ctx)
			if err != nil {
				return err
			}
			if text != "lent" || kept.Text() != "????" || own.Text() != "own" {
				t.Errorf("read %q, which is %q now, and %q", text, kept.Text(), own.Text())
			}
		}
	}), get())
	for _, text := range []string{"lent", "own", "lent", "own"} {
		ws.Send(parley.Text(text))
	}
	ws.Close(4000, "bye")
	var closed *parley.CloseError
	if err := ws.Wait(); !errors.As(err, &closed) || closed.Code != 4000 {
		t.Errorf("ended with %v", err)
	}
}

func TestSocketQuietOutsideBubble(t *testing.T) {
	ws := parleytest.Dial(t, echo, get())
	ws.Send(parley.Text("hi"))
	if ws.Receive(); !ws.Quiet() {
		t.Error("a message too many")
	}
	if ws.Send(parley.Text("again")); ws.Quiet() {
		t.Error("the echo was overlooked")
	}
}

func TestSocketVanish(t *testing.T) {
	ws := parleytest.Dial(t, echo, get())
	ws.Send(parley.Text("hi"))
	ws.Vanish()
	if err := ws.Wait(); err != parley.ErrDisconnected {
		t.Error(err)
	}
	if code, reason := ws.Closed(); code != parley.CloseAbnormal || reason != "" {
		t.Errorf("closed with %d %q", code, reason)
	}
}

func TestSocketFail(t *testing.T) {
	ws := parleytest.Dial(t, echo, get())
	ws.Accept()
	ws.Fail(parley.ErrDraining)
	if err := ws.Wait(); !errors.Is(err, parley.ErrDraining) ||
		!errors.Is(err, parley.ErrDisconnected) {
		t.Error(err)
	}
	if code, _ := ws.Closed(); code != parley.CloseServiceRestart {
		t.Errorf("closed with %d", code)
	}
}

func TestSocketDenial(t *testing.T) {
	deny := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		return ws.Deny(ctx, parley.WebSocketDeny{Status: 401, Body: []byte("who are you?")})
	})
	ws := parleytest.Dial(t, deny, get())
	if got := ws.Denial(); got.Status != 401 || got.Body != "who are you?" || got.Err != nil {
		t.Errorf("got %+v", got)
	}
	if code, reason := ws.Closed(); code != parley.CloseAbnormal || reason != "" {
		t.Errorf("the browser is told %d %q", code, reason)
	}
}

// A close before the accept denies the handshake, and its reason goes nowhere.
func TestSocketClosedBeforeAccept(t *testing.T) {
	ws := parleytest.Dial(t, parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		return ws.Close(ctx, 4000, "unheard")
	}), get())
	if got := ws.Denial(); got.Status != 403 || got.Body != "" || got.Err != nil {
		t.Errorf("got %+v", got)
	}
}

func TestDialsHeaders(t *testing.T) {
	type header = http.Header
	for name, row := range map[string]struct{ given, want header }{
		"none":           {nil, header{"Origin": {"http://example.com"}, "Upgrade": {"websocket"}}},
		"another origin": {header{"Origin": {"http://else"}}, header{"Origin": {"http://else"}}},
		"no origin":      {header{"Origin": nil}, header{"Origin": nil, "Upgrade": {"websocket"}}},
	} {
		t.Run(name, func(t *testing.T) {
			request := get()
			maps.Copy(request.Header, row.given)
			var got header
			ws := parleytest.Dial(t, parley.WebSocketFunc(func(_ context.Context, ws *parley.Socket) error {
				got = ws.Scope().Request.Header
				return nil
			}), request)
			ws.Wait()
			for name := range row.want {
				if got := got[name]; !slices.Equal(got, row.want[name]) {
					t.Errorf("%s: %q", name, got)
				}
			}
		})
	}
}

func TestSocketPanic(t *testing.T) {
	ws := parleytest.Dial(t, parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		_ = ws.Accept(ctx, parley.WebSocketAccept{})
		panic("secret")
	}), get())
	if code, reason := ws.Closed(); code != parley.CloseInternalError ||
		strings.Contains(reason, "secret") {
		t.Errorf("closed with %d %q", code, reason)
	}
	if err := ws.Wait(); !errors.Is(err, parley.ErrAppPanic) {
		t.Error(err)
	}
}
