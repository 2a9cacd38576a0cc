package auth_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/parleytest"
)

// E18: an identity that expires closes the socket, unless it was renewed.
func TestExpiryClosesSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := authWith(newBearer())(whoami)
		ws := parleytest.Dial(t, app, as(t, "ann", time.Minute))
		ws.Accept()
		ws.Receive()
		time.Sleep(50 * time.Second)
		ws.Send(parley.Text(tokenFor(t, "bob", time.Hour)))
		if got := ws.Receive().Text(); got != auth.ErrOtherUser.Error() {
			t.Errorf("renewal by another: %q", got)
		}
		ws.Send(parley.Text("nonsense"))
		if got := ws.Receive().Text(); !strings.Contains(got, "malformed") {
			t.Errorf("renewal with nonsense: %q", got)
		}
		ws.Send(parley.Text(tokenFor(t, "ann", time.Minute)))
		if got := ws.Receive().Text(); got != "<nil>" {
			t.Errorf("renewal: %q", got)
		}
		time.Sleep(59 * time.Second)
		if !ws.Quiet() {
			t.Error("closed too early")
		}
		start := time.Now()
		if code, _ := ws.Closed(); code != parley.CloseUnauthorized || time.Since(start) > time.Second {
			t.Errorf("closed with %d after %v", code, time.Since(start))
		}
		if err := ws.Wait(); parley.CodeOf(err) != parley.CloseUnauthorized {
			t.Error(err)
		}
	})
}

// An app that does not listen to its context loses its socket all the same.
func TestExpiryOfDeafApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			ws.Accept(ctx, parley.WebSocketAccept{})
			_, err := ws.Read(context.Background())
			if cause := context.Cause(ctx); cause != parley.ErrAuthExpired {
				t.Errorf("cause: %v", cause)
			}
			return err
		})
		ws := parleytest.Dial(t, authWith(newBearer())(app), as(t, "ann", 20*time.Second))
		if code, _ := ws.Closed(); code != parley.CloseUnauthorized {
			t.Errorf("closed with %d", code)
		}
	})
}

func TestExpiryBeforeAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		ws := parleytest.Dial(t, authWith(newBearer())(app), as(t, "ann", 20*time.Second))
		if ws.Accepted() || ws.Denial().Status != 401 {
			t.Errorf("status %d", ws.Denial().Status)
		}
	})
}

func TestExpiryEndsEventStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
			conn.Send(ctx, parley.HTTPResponseBody{Body: []byte("data: 1\n\n"), More: true})
			<-ctx.Done()
			if cause := context.Cause(ctx); cause != parley.ErrAuthExpired {
				t.Errorf("cause: %v", cause)
			}
			return conn.Send(context.WithoutCancel(ctx), parley.HTTPResponseBody{})
		})
		r := as(t, "ann", 20*time.Second)
		r.Header.Set("Accept", "text/event-stream")
		start := time.Now()
		got := parleytest.Do(t, authWith(newBearer())(app), r)
		if took := time.Since(start); took > 20*time.Second || got.Truncated {
			t.Errorf("ended after %v, truncated %v", took, got.Truncated)
		}
	})
}
