package parleytest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/parleytest"
)

// witness is a test that others are to fail.
type witness struct {
	testing.TB
	failure string
	cleanup []func()
}

func (*witness) Helper()             {}
func (*witness) Logf(string, ...any) {}
func (w *witness) Cleanup(f func())  { w.cleanup = append(w.cleanup, f) }
func (w *witness) Fatal(args ...any) { w.Fatalf("%s", fmt.Sprint(args...)) }
func (w *witness) Fatalf(format string, args ...any) {
	w.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
func (w *witness) Errorf(format string, args ...any) { w.failure = fmt.Sprintf(format, args...) }

// run runs a test to its end, cleanup included, and returns how it failed.
func (w *witness) run(test func(t testing.TB)) string {
	ended := make(chan bool)
	go func() {
		defer close(ended)
		test(w)
	}()
	<-ended
	for i := len(w.cleanup) - 1; i >= 0; i-- {
		w.cleanup[i]()
	}
	return w.failure
}

// mute is an app that waits for its end.
var mute = app(func(ctx context.Context, _ *parley.Scope, _ parley.Conn) error {
	<-ctx.Done()
	return context.Cause(ctx)
})

var open = parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
	if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	_, err := ws.Read(ctx)
	return err
})

// receiveTwice receives in two goroutines.
func receiveTwice(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
	ctx, cancel := context.WithCancel(ctx)
	errs := make(chan error)
	for range 2 {
		go func() {
			_, err := conn.Receive(ctx)
			errs <- err
		}()
	}
	err := <-errs
	cancel()
	<-errs
	return err
}

// TestMistakes: what a driver makes of apps that do not do what a test expects, and of
// tests that ask for what cannot be.
func TestMistakes(t *testing.T) {
	for name, row := range map[string]struct {
		test func(t testing.TB)
		want string
	}{
		"no app to ask": {func(t testing.TB) { parleytest.Do(t, nil, get()) }, "the app is nil"},
		"no app to dial": {func(t testing.TB) { parleytest.Dial(t, parley.AppFunc(nil), get()) },
			"the app is nil"},
		"no app to run": {func(t testing.TB) { parleytest.Run(t, nil) }, "the app is nil"},
		"no request": {func(t testing.TB) { parleytest.Upload(t, mute, nil) },
			"the request is nil"},
		"no request at all": {func(t testing.TB) { parleytest.Start(t, mute, nil) },
			"the request is nil"},
		"no head": {func(t testing.TB) { parleytest.Start(t, mute, get()).Status() },
			"waiting for the head"},
		"no body": {func(t testing.TB) { parleytest.Start(t, mute, get()).Read() },
			"waiting for a part"},
		"no return": {func(t testing.TB) { parleytest.Do(t, mute, get()) },
			"waiting for the app to return"},
		"no answer": {func(t testing.TB) { parleytest.Dial(t, mute, get()).Accepted() },
			"answer to the handshake"},
		"no startup": {func(t testing.TB) { parleytest.Run(t, mute).Startup() },
			"answer to lifespan.startup"},
		"no message": {func(t testing.TB) { parleytest.Dial(t, open, get()).Receive() },
			"waiting for a message"},
		"not JSON": {func(t testing.TB) { parleytest.Dial(t, open, get()).SendJSON(t.Fatal) },
			"encoding"},
		"long reason": {func(t testing.TB) {
			parleytest.Dial(t, open, get()).Close(4000, strings.Repeat("x", 124))
		}, "too long"},
		"denial of an open socket": {
			func(t testing.TB) { parleytest.Dial(t, open, get()).Denial() }, "was accepted",
		},
		"denied": {func(t testing.TB) {
			parleytest.Dial(t, app(func(context.Context, *parley.Scope, parley.Conn) error {
				return nil
			}), get()).Accept()
		}, "answered with 500"},
		"send on a closed socket": {func(t testing.TB) {
			ws := parleytest.Dial(t, open, get())
			ws.Close(4000, "")
			ws.Send(parley.Text("late"))
		}, "closed with 4000"},
		"two receives at once": {func(t testing.TB) {
			parleytest.Upload(t, app(receiveTwice), get()).Wait()
		}, "receives twice at once"},
		"receive on a closed socket": {func(t testing.TB) {
			ws := parleytest.Dial(t, open, get())
			ws.Close(4000, "")
			ws.Receive()
		}, "closed with 4000"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(*testing.T) {
				if got := new(witness).run(row.test); !strings.Contains(got, row.want) {
					t.Errorf("failed with %q, want %q", got, row.want)
				}
			})
		})
	}
}

// TestDeafApp: an app that does not return when its client has left fails the
// test.
func TestDeafApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hearing := make(chan bool)
		deaf := app(func(context.Context, *parley.Scope, parley.Conn) error { <-hearing; return nil })
		got := new(witness).run(func(t testing.TB) { parleytest.Start(t, deaf, get()) })
		if !strings.Contains(got, "has not returned") {
			t.Errorf("failed with %q", got)
		}
		close(hearing)
	})
}

// TestGoexit: an app that fails its test by FailNow is an app that failed.
func TestGoexit(t *testing.T) {
	got := parleytest.Do(t, app(func(context.Context, *parley.Scope, parley.Conn) error {
		runtime.Goexit()
		return nil
	}), get())
	if got.Status != 500 || got.Err == nil {
		t.Errorf("got %+v", got)
	}
}

// TestSendAfterReturn: a goroutine that the app leaves behind finds a closed
// conn.
func TestSendAfterReturn(t *testing.T) {
	var conn parley.Conn
	keep := app(func(_ context.Context, _ *parley.Scope, c parley.Conn) error { conn = c; return nil })
	if got := parleytest.Do(t, keep, get()); got.Status != 500 {
		t.Errorf("got %+v", got)
	}
	err := conn.Send(t.Context(), parley.HTTPResponseStart{Status: 200})
	if !errors.Is(err, parley.ErrClosed) {
		t.Errorf("exchange: %v", err)
	}
	parleytest.Dial(t, keep, get()).Wait()
	if err := conn.Send(t.Context(), parley.WebSocketAccept{}); !errors.Is(err, parley.ErrClosed) {
		t.Errorf("socket: %v", err)
	}
}

// TestClientVanishesUnderAHandler: a handler whose client has gone panics as
// net/http's do. That is no panic of the app's, but a disconnect.
func TestClientVanishesUnderAHandler(t *testing.T) {
	writes := nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}))
	noted := func(next parley.App) parley.App {
		return app(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			return next.Serve(ctx, scope, struct{ parley.Conn }{conn})
		})
	}
	for name, app := range map[string]parley.App{"handler": writes,
		"below middleware": noted(writes)} {
		x := parleytest.Start(t, app, get())
		x.Vanish()
		if err := x.Wait(); !errors.Is(err, parley.ErrDisconnected) ||
			errors.Is(err, parley.ErrAppPanic) {
			t.Errorf("%s: %v", name, err)
		}
		ws := parleytest.Dial(t, app, get())
		ws.Vanish()
		if err := ws.Wait(); !errors.Is(err, parley.ErrDisconnected) ||
			errors.Is(err, parley.ErrAppPanic) {
			t.Errorf("%s, socket: %v", name, err)
		}
	}
}
