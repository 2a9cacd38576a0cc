package fallback_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/internal/logged"
	"github.com/parleygo/parley/internal/testlog"
	"github.com/parleygo/parley/parleytest"
)

var errTest = errors.New("test: secret of the app")

// appEnds are the ways in which an app can end.
var appEnds = []struct {
	name   string
	end    func(ctx context.Context, conn parley.Conn) error
	code   parley.CloseCode // after the accept
	status int              // before it; 0: cut
	logged int              // lines after the accept
}{
	{"returns", returns(nil), 1000, 500, 0},
	{"fails", returns(errTest), 1011, 500, 1},
	{"panics", panics("secret of the app"), 1011, 500, 1},
	{"panics with an error", panics(errTest), 1011, 500, 1},
	{"returns a nil pointer", returns((*net.OpError)(nil)), 1011, 500, 1},
	{"panics with a nil pointer", panics((*net.OpError)(nil)), 1011, 500, 1},
	{"exits", exits, 1011, 500, 1},
	{"cuts", panics(http.ErrAbortHandler), 1006, 0, 0},
	{"says why", returns(&parley.CloseError{Code: 4000}), 4000, 500, 0},
	{"is full", returns(parley.ErrOverloaded), 1013, 503, 0},
	{"is gone", returns(parley.ErrDisconnected), 1000, 500, 0},
	{"finds nothing", returns(parley.ErrNotFound), 1011, 404, 0},
	{"fails as middleware has logged", returns(logged.Mark(errors.New("known"))), 1011, 500, 0},
}

func returns(err error) func(context.Context, parley.Conn) error {
	return func(context.Context, parley.Conn) error { return err }
}

func panics(value any) func(context.Context, parley.Conn) error {
	return func(context.Context, parley.Conn) error { panic(value) }
}

func exits(context.Context, parley.Conn) error { runtime.Goexit(); return nil }

// However the app ends, its session ends, the client is told, the counters fall
// back, and a failure is logged once.
func TestAppEnds(t *testing.T) {
	for _, test := range appEnds {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				var log testlog.Lines
				app := serve(t, accepting(test.end), fallback.Options{Logger: log.Logger()})
				c := (&client{t: t, app: app, streams: streams}).mustOpen()
				if c.post("go") != 204 {
					t.Error("not taken")
				}
				if got := c.ended(); got != test.code {
					t.Errorf("closed with %d, want %d", got, test.code)
				}
				synctest.Wait()
				if got := log.Len(); got != test.logged {
					t.Errorf("%d lines, want %d: %s", got, test.logged, log.String())
				}
				broke := slices.Contains([]string{
					"panics", "panics with an error", "exits", "cuts",
					"returns a nil pointer", "panics with a nil pointer",
				}, test.name)
				if got := app.Stats().Panics == 1; got != broke {
					t.Errorf("counts as one that did not return: %v", got)
				}
				settled(t, app)
			})
		})
	}
}

// badLog is a handler of log records that ends as it is told.
type badLog struct {
	slog.Handler
	end func()
}

func (l badLog) Handle(context.Context, slog.Record) error { l.end(); return nil }

// The program's log, on a goroutine of the kit's, takes nobody along either.
func TestBadLogHurtsNobody(t *testing.T) {
	for name, end := range map[string]func(){
		"panics": func() { panic("log") }, "exits": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				log := slog.New(badLog{slog.NewTextHandler(io.Discard, nil), end})
				app := serve(t, accepting(returns(errTest)), fallback.Options{Logger: log})
				c := (&client{t: t, app: app, streams: streams}).mustOpen()
				c.post("go")
				if got := c.ended(); got != parley.CloseInternalError {
					t.Errorf("closed with %d", got)
				}
				settled(t, app)
			})
		})
	}
}

// An app that ends before its answer fails the request, whose adapter logs it.
func TestAppEndsBeforeAccept(t *testing.T) {
	for _, test := range appEnds {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				var log testlog.Lines
				app := serve(t, parley.AppFunc(func(
					ctx context.Context, _ *parley.Scope, conn parley.Conn,
				) error {
					return test.end(ctx, conn)
				}), fallback.Options{Logger: log.Logger()})
				got := parleytest.Do(t, app, (&client{t: t, streams: streams}).get())
				if got.Status != test.status || test.status != 0 && got.Truncated {
					t.Errorf("answered %d, want %d", got.Status, test.status)
				}
				if strings.Contains(got.Body, "secret") || log.Len() != 0 {
					t.Errorf("told %q, logged %s", got.Body, log.String())
				}
				settled(t, app)
			})
		})
	}
}

// accepting is an app that ends as told once it has received a message.
func accepting(end func(context.Context, parley.Conn) error) parley.App {
	return parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		if _, err := ws.Read(ctx); err != nil {
			return err
		}
		return end(ctx, ws.Conn())
	})
}

// settled wants nothing to be left, for the lease at the latest.
func settled(t *testing.T, app *fallback.App) {
	t.Helper()
	time.Sleep(time.Minute)
	synctest.Wait()
	if got := app.Stats(); got.Sessions != 0 || got.Running != 0 || got.Memory != 0 {
		t.Errorf("left: %+v", got)
	}
}

// An app that fails when the client which asked has left is logged here.
func TestFailsUnheard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log testlog.Lines
		app := serve(t, parley.AppFunc(func(ctx context.Context, _ *parley.Scope, _ parley.Conn) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			panic("late")
		}), fallback.Options{Logger: log.Logger()})
		x := parleytest.Start(t, app, (&client{t: t}).get())
		synctest.Wait()
		x.Vanish()
		settled(t, app)
		if got := log.String(); log.Len() != 1 || !strings.Contains(got, "late") {
			t.Errorf("logged %s", got)
		}
	})
}

// An app that fails after it has denied is logged here, once; one that fails in the
// middle of its denial fails the request.
func TestFailsAfterDenial(t *testing.T) {
	deny := parley.WebSocketDeny{Status: 401, Body: []byte("who?")}
	begin := parley.WebSocketResponseStart{Status: 401}
	part := parley.WebSocketResponseBody{Body: []byte("who"), More: true}
	for _, test := range []struct {
		name   string
		events []parley.Event
		logged int
		err    error
		body   string
	}{
		{"whole", []parley.Event{deny}, 1, nil, "who?"},
		{"begun", []parley.Event{begin, part}, 0, parley.ErrAppPanic, "who"},
		{"begun, without a body", []parley.Event{begin}, 0, parley.ErrAppPanic, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log testlog.Lines
				app := serve(t, parley.AppFunc(func(
					ctx context.Context, _ *parley.Scope, conn parley.Conn,
				) error {
					for _, event := range test.events {
						if err := conn.Send(ctx, event); err != nil {
							t.Error(err)
						}
					}
					time.Sleep(time.Second)
					panic("late")
				}), fallback.Options{Logger: log.Logger()})
				got := parleytest.Do(t, app, (&client{t: t}).get())
				if got.Status != 401 || got.Body != test.body || got.Truncated == (test.err == nil) {
					t.Errorf("%+v", got)
				}
				if !errors.Is(got.Err, test.err) {
					t.Errorf("%v, want %v", got.Err, test.err)
				}
				settled(t, app)
				if log.Len() != test.logged {
					t.Errorf("logged %s", log.String())
				}
			})
		})
	}
}

// silentApp answers nobody.
var silentApp = parley.AppFunc(func(ctx context.Context, _ *parley.Scope, _ parley.Conn) error {
	<-ctx.Done()
	return context.Cause(ctx)
})

// An app that answers nobody is not waited for.
func TestHandshakeTimeout(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		var log testlog.Lines
		app := serve(t, silentApp, fallback.Options{Logger: log.Logger()})
		began := time.Now()
		got := (&client{t: t, app: app, streams: streams}).open()
		if waited := time.Since(began); got != 503 || waited != 10*time.Second {
			t.Errorf("%d after %v", got, waited)
		}
		if log.Len() != 1 {
			t.Errorf("logged %s", log.String())
		}
		settled(t, app)
	})
}

// The client's goodbye is the close frame of a socket.
func TestGoodbye(t *testing.T) {
	for _, test := range []struct {
		name, query string
		status      int
		code        parley.CloseCode
	}{
		{"plain", "", 204, 1005},
		{"code", "?code=4000&reason=bye", 204, 4000},
		{"code that can't be said", "?code=1006", 400, 1002},
		{"no code", "?code=x", 400, 1002},
		{"large code", "?code=70000", 400, 1002},
		{"reason without a code", "?reason=bye", 400, 1002},
		{"long reason", "?code=1000&reason=" + strings.Repeat("a", 124), 400, 1002},
		{"reason that is not UTF-8", "?code=1000&reason=%ff", 400, 1002},
	} {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, streams bool) {
				h := new(host)
				app := serve(t, h.echo(), fallback.Options{})
				c := (&client{t: t, app: app, streams: streams}).mustOpen()
				c.attach()
				synctest.Wait()
				c.target = "/chat" + test.query
				if got := c.do("DELETE", "").Status; got != test.status {
					t.Errorf("answered %d, want %d", got, test.status)
				}
				if got := c.ended(); got != test.code {
					t.Errorf("closed with %d, want %d", got, test.code)
				}
				synctest.Wait()
				if got := h.causes(); len(got) != 1 || !errors.Is(got[0], parley.ErrDisconnected) {
					t.Errorf("ended with %v", got)
				}
				if got := c.post("x"); got != 404 {
					t.Errorf("posting afterwards: %d", got)
				}
				settled(t, app)
			})
		})
	}
}
