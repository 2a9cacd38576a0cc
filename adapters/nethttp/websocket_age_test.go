package nethttp_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// C3: a socket is closed with 1012 at its maximum age, give or take a tenth.
func TestC3MaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const age = time.Hour
		opened, cause := time.Now(), make(chan error, 1)
		app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
				return err
			}
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return nil
		})
		gateway := nethttp.Handler(app, nethttp.Options{
			MaxAge: age, WebSocket: parley.SocketOptions{PingInterval: -1},
		})
		client := adaptertest.ServeInBubble(t, gateway).Dial()
		client.Say("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		if head := client.Head(http.MethodGet); head.StatusCode != 101 {
			t.Fatalf("handshake answered with %d", head.StatusCode)
		}
		if got := <-cause; got != parley.ErrTooOld {
			t.Errorf("cause %v", got)
		}
		if lived := time.Since(opened); lived < age*9/10 || lived > age*11/10 {
			t.Errorf("closed after %v", lived)
		}
		if frame := client.Rest(); frame != "\x88\x02\x03\xf4" {
			t.Errorf("closed with %q", frame)
		}
	})
}
