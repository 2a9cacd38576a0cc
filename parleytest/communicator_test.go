package parleytest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/parleytest"
)

// thrice answers each message with three.
var thrice = parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
	if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	for {
		message, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		for range 3 {
			if err := ws.Write(ctx, parley.WebSocketSend{Data: message.Data}); err != nil {
				return err
			}
		}
	}
})

// B92: there is nothing to receive exactly while the app has sent nothing unread.
func TestB92_QuietIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws := parleytest.Dial(t, thrice, get())
		if ws.Accept(); !ws.Quiet() {
			t.Error("something before any input")
		}
		ws.Send(parley.Text("a"))
		for n := range 3 {
			if ws.Quiet() {
				t.Errorf("message %d was overlooked", n)
			}
			ws.Receive()
		}
		if !ws.Quiet() {
			t.Error("something after the last")
		}
	})
}

// B93: a test whose app sends nothing fails when Patience is over, and the app is told to
// end and waited for.
func TestB93_PatienceEndsTheApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		slow := app(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			defer func() { ended = true }()
			return open.Serve(ctx, scope, conn)
		})
		begin := time.Now()
		got := new(witness).run(func(t testing.TB) { parleytest.Dial(t, slow, get()).Receive() })
		if took := time.Since(begin); took != parleytest.Patience || !ended {
			t.Errorf("took %v, the app has ended: %t", took, ended)
		}
		if !strings.Contains(got, "waiting for a message") {
			t.Errorf("failed with %q", got)
		}
	})
}

// B93, B94: where an app has ended, its error says why nothing can be sent or received.
func TestB94_TheAppsErrorIsTold(t *testing.T) {
	failing := func(after parley.App) parley.App {
		return app(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			if after != nil {
				if err := after.Serve(ctx, scope, conn); err != nil {
					return err
				}
			}
			return errors.New("out of paper")
		})
	}
	accepts := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		return ws.Accept(ctx, parley.WebSocketAccept{})
	})
	for name, test := range map[string]func(t testing.TB){
		"accept":  func(t testing.TB) { parleytest.Dial(t, failing(nil), get()).Accept() },
		"receive": func(t testing.TB) { parleytest.Dial(t, failing(accepts), get()).Receive() },
		"send": func(t testing.TB) {
			ws := parleytest.Dial(t, failing(accepts), get())
			ws.Closed()
			ws.Send(parley.Text("late"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := new(witness).run(test); !strings.Contains(got, "out of paper") {
					t.Errorf("failed with %q", got)
				}
			})
		})
	}
}

// B95: what the test keeps in its own context is no concern of the app.
func TestB95_TheAppStartsAfresh(t *testing.T) {
	var local bridge.Local[string]
	ctx := bridge.WithStore(t.Context(), nil)
	if err := local.Set(ctx, "of the test"); err != nil {
		t.Fatal(err)
	}
	parleytest.Dial(t, parley.WebSocketFunc(func(ctx context.Context, _ *parley.Socket) error {
		if value, ok := local.Get(ctx); ok {
			t.Errorf("the app finds %q", value)
		}
		return local.Set(bridge.WithStore(ctx, nil), "of the app")
	}), get()).Wait()
	if value, _ := local.Get(ctx); value != "of the test" {
		t.Errorf("the test finds %q", value)
	}
}
