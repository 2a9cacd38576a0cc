package middleware_test

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
	"github.com/parleygo/parley/router"
)

// logged has app serve one conversation below the access log and returns its
// record.
func logged(t *testing.T, app parley.App, drive func(parley.App)) (access middleware.Access) {
	t.Helper()
	n := 0
	log := middleware.AccessLog(middleware.AccessLogOptions{
		Record: func(_ context.Context, a *middleware.Access) { access, n = *a, n+1 },
	})
	drive(log(app))
	if n != 1 {
		t.Fatalf("%d records", n)
	}
	return access
}

func TestAccessLogHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var routes router.URLs
		routes.Handle("GET /rooms/{id}", parley.AppFunc(func(
			ctx context.Context, scope *parley.Scope, conn parley.Conn,
		) error {
			parley.ReadBody(ctx, conn, 100)
			time.Sleep(time.Second)
			return parley.Respond(ctx, conn, 201, nil, []byte("hello"))
		}))
		r := httptest.NewRequest("GET", "/rooms/7?ticket=secret", strings.NewReader("abc"))
		r.Header.Set("Referer", "http://example.com/a?token=secret")
		a := logged(t, &routes, func(app parley.App) { parleytest.Do(t, app, r) })
		if a.Status != 201 || a.BytesOut != 5 || a.BytesIn != 3 ||
			a.Duration != time.Second || a.Cause != nil {
			t.Errorf("%+v", a)
		}
		if a.Route != "GET /rooms/{id}" || a.Path != "/rooms/7" ||
			a.Referer != "http://example.com/a" {
			t.Errorf("%+v", a)
		}
		want := `192.0.2.1 - - [01/Jan/2000:00:00:00 +0000] ` +
			`"GET /rooms/7 HTTP/1.1" 201 5 "http://example.com/a" "-"`
		if a.Start = a.Start.UTC(); a.NCSA() != want {
			t.Errorf("NCSA: %s", a.NCSA())
		}
	})
}

func TestAccessLogFailures(t *testing.T) {
	returning := func(err error) parley.App {
		return parley.AppFunc(
			func(context.Context, *parley.Scope, parley.Conn) error { return err },
		)
	}
	for _, test := range []struct {
		name   string
		app    parley.App
		status int
		cause  error
	}{
		{"error", returning(errInner), 500, errInner},
		{"not found", returning(parley.ErrNotFound), 404, parley.ErrNotFound},
		{"panic", panicking(nil), 500, parley.ErrAppPanic},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := logged(t, test.app, func(app parley.App) { parleytest.Do(t, app, get("/")) })
			if a.Status != test.status || !errors.Is(a.Cause, test.cause) {
				t.Errorf("%d %v", a.Status, a.Cause)
			}
		})
	}
}

func TestAccessLogSocket(t *testing.T) {
	type socket = parleytest.Socket
	limit := middleware.MessageLimit(1)
	for _, test := range []struct {
		name  string
		app   parley.App
		act   func(ws *socket)
		code  parley.CloseCode
		cause error
	}{
		{"client closes", echo, func(ws *socket) { ws.Close(3001, "bye") }, 3001, parley.ErrDisconnected},
		{"client vanishes", echo, func(ws *socket) { ws.Vanish() }, 1006, parley.ErrDisconnected},
		{"app closes", parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			ws.Accept(ctx, parley.WebSocketAccept{})
			return ws.Close(ctx, 4000, "")
		}), func(*socket) {}, 4000, nil},
		{"app returns", parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			return ws.Accept(ctx, parley.WebSocketAccept{})
		}), func(*socket) {}, 1000, nil},
		{"app fails", parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			ws.Accept(ctx, parley.WebSocketAccept{})
			return errInner
		}), func(*socket) {}, 1011, errInner},
		{"message limit", limit(echo), func(ws *socket) {
			ws.Send(parley.Text("12"))
		}, 1009, parley.ErrTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := logged(t, test.app, func(app parley.App) {
				ws := parleytest.Dial(t, app, get("/"))
				ws.Accept()
				test.act(ws)
				ws.Wait()
			})
			if a.Status != 101 || a.Code != test.code || test.cause == nil != (a.Cause == nil) ||
				test.cause != nil && !errors.Is(a.Cause, test.cause) {
				t.Errorf("%d %d %v", a.Status, a.Code, a.Cause)
			}
		})
	}
}

func TestAccessLogRefusal(t *testing.T) {
	origin := middleware.NewOrigin(middleware.OriginOptions{})
	a := logged(t, origin.Wrap(new(inner)), func(app parley.App) {
		parleytest.Dial(t, app, get("/", "Origin", "http://evil.org")).Denial()
	})
	if a.Status != 403 || a.Code != 0 || a.Refusal == nil || a.Refusal.Reason != "not-allowed" {
		t.Errorf("%+v", a)
	}
}

func TestAccessLogSlog(t *testing.T) {
	logger, log := recorder()
	app := middleware.AccessLog(middleware.AccessLogOptions{Logger: logger})(new(inner))
	ws := parleytest.Dial(t, app, get("/chat"))
	ws.Send(parley.Text("hello"))
	ws.Receive()
	ws.Close(1000, "")
	ws.Wait()
	for _, want := range []string{
		"protocol=websocket", "path=/chat", "status=101", "bytes_in=5", "bytes_out=5", "code=1000",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in %s", want, log)
		}
	}
	passesOthers(t, middleware.AccessLog(middleware.AccessLogOptions{}))
}

func TestNCSAEscapes(t *testing.T) {
	a := middleware.Access{
		Method: "GET", Path: "/\"\r\n", Proto: "HTTP/1.1", Remote: "[2001:db8::1]:80",
		UserAgent: `a"b\c` + "\x1bü", Status: 200,
	}
	a.User, a.Path = "ada - [x] \"", a.Path+" HTTP/9.9"
	want := `2001:db8::1 - ada\x20-\x20[x]\x20\" [01/Jan/0001:00:00:00 +0000] ` +
		`"GET /\"\x0d\x0a\x20HTTP/9.9 HTTP/1.1" 200 0 "-" "a\"b\\c\x1b\xc3\xbc"`
	if got := a.NCSA(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var out bytes.Buffer
	middleware.WriteNCSA(&out)(t.Context(), &a)
	if out.String() != want+"\n" {
		t.Errorf("wrote %q", out.String())
	}
}

// TestAccessLogOfCauses: why a conversation was ended is in the record, but not that it
// was at its end.
func TestAccessLogOfCauses(t *testing.T) {
	for cause, want := range map[error]error{
		parley.ErrFinished: nil, parley.ErrClosed: nil,
		parley.ErrSlowConsumer: parley.ErrSlowConsumer, parley.ErrDraining: parley.ErrDraining,
	} {
		ends := func(next parley.App) parley.App {
			return parley.AppFunc(
				func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
					ctx, cancel := context.WithCancelCause(ctx)
					cancel(cause)
					return next.Serve(ctx, scope, conn)
				},
			)
		}
		var a middleware.Access
		log := middleware.AccessLog(middleware.AccessLogOptions{
			Record: func(_ context.Context, access *middleware.Access) { a = *access },
		})
		app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
			return parley.Respond(context.WithoutCancel(ctx), conn, 200, nil, nil)
		})
		parleytest.Do(t, parley.Chain(app, ends, log), get("/"))
		if !errors.Is(a.Cause, want) {
			t.Errorf("ended by %v: recorded %v", cause, a.Cause)
		}
	}
}

// What only middleware below knows is in the record, too.
func TestAccessLogFindings(t *testing.T) {
	app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		middleware.LogUser(ctx, "ann")
		middleware.LogCause(ctx, errInner)
		return parley.Respond(ctx, conn, 200, nil, nil)
	})
	a := logged(t, app, func(app parley.App) { parleytest.Do(t, app, get("/")) })
	if a.User != "ann" || a.Cause != errInner || !strings.Contains(a.NCSA(), " ann [") {
		t.Errorf("%+v", a)
	}
	parleytest.Do(t, app, get("/")) // without an access log nobody listens
}

// Senders to many sockets pass through the log, and are counted.
func TestAccessLogOffer(t *testing.T) {
	app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		conn.Receive(ctx)
		conn.Send(ctx, parley.WebSocketAccept{})
		offerer, ok := parley.OffererOf(conn)
		if !ok {
			t.Error("nobody offers")
			return nil
		}
		return offerer.Offer(parley.Text("hello"))
	})
	a := logged(t, app, func(app parley.App) {
		over := func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			return app.Serve(ctx, scope, offering{conn})
		}
		ws := parleytest.Dial(t, parley.AppFunc(over), get("/"))
		if got := ws.Receive().Text(); got != "hello" {
			t.Errorf("%q", got)
		}
		ws.Wait()
	})
	if a.BytesOut != 5 {
		t.Errorf("%+v", a)
	}
}

type offering struct{ parley.Conn }

func (o offering) Offer(message parley.WebSocketSend) error {
	return o.Send(context.Background(), message)
}
