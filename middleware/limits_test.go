package middleware_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

func TestBodyLimitAnnounced(t *testing.T) {
	limit := middleware.NewBodyLimit(middleware.BodyLimitOptions{Max: 10})
	for length, want := range map[int]int{0: 200, 10: 200, 11: 413, 1 << 20: 413} {
		app := new(inner)
		r := httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("a", length)))
		got := parleytest.Do(t, limit.Wrap(app), r).Status
		if got != want || app.ran.Load() > 0 != (want == 200) {
			t.Errorf("%d bytes: %d, want %d", length, got, want)
		}
	}
	passesOthers(t, limit.Wrap)
}

func TestBodyLimitCounted(t *testing.T) {
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		_, err := parley.ReadBody(ctx, conn, 1<<20)
		if err != nil {
			_, again := conn.Receive(ctx)
			if !errors.Is(again, parley.ErrTooLarge) {
				t.Errorf("receiving again: %v", again)
			}
			return err
		}
		return parley.Respond(ctx, conn, 200, nil, nil)
	})
	limit := middleware.NewBodyLimit(middleware.BodyLimitOptions{Max: 10}).Wrap(app)
	for parts, want := range map[int]int{2: 200, 3: 413} {
		r := get("/")
		r.ContentLength = -1
		x := parleytest.Upload(t, limit, r)
		for range parts {
			x.Send("12345")
		}
		x.End()
		if got := x.Response().Status; got != want {
			t.Errorf("%d parts: %d, want %d", parts, got, want)
		}
	}
}

// A handler that reads more than it may is told so in net/http's own way.
func TestBodyLimitOfHandlers(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) && tooLarge.Limit == 4 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	limit := middleware.NewBodyLimit(middleware.BodyLimitOptions{Max: 4})
	app := limit.Wrap(nethttp.App(handler))
	for body, want := range map[string]int{"1234": 200, "12345": 413} {
		upload := func() *http.Request {
			return httptest.NewRequest("POST", "/", struct{ io.Reader }{strings.NewReader(body)})
		}
		t.Run("D9 live", func(t *testing.T) {
			w := httptest.NewRecorder()
			if nethttp.Handler(app).ServeHTTP(w, upload()); w.Code != want {
				t.Errorf("%d bytes: %d", len(body), w.Code)
			}
		})
		t.Run("D9 in a test", func(t *testing.T) {
			if got := parleytest.Do(t, app, upload()); got.Status != want {
				t.Errorf("%d bytes: %+v", len(body), got)
			}
		})
	}
}

// A client that asks before it sends hears 413, and no 100 before.
func TestBodyLimitBefore100Continue(t *testing.T) {
	limit := middleware.NewBodyLimit(middleware.BodyLimitOptions{Max: 10})
	server := httptest.NewServer(nethttp.Handler(limit.Wrap(nethttp.App(http.NotFoundHandler()))))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\n"+
		"Content-Length: 11\r\nExpect: 100-continue\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestMessageLimit(t *testing.T) {
	ws := parleytest.Dial(t, middleware.MessageLimit(4)(new(inner)), get("/"))
	ws.Send(parley.Text("1234"))
	if got := ws.Receive().Text(); got != "1234" {
		t.Errorf("got %q", got)
	}
	ws.Send(parley.Binary([]byte("12345")))
	if code, _ := ws.Closed(); code != parley.CloseTooLarge {
		t.Errorf("closed with %d", code)
	}
	if err := ws.Wait(); !errors.Is(err, parley.ErrTooLarge) {
		t.Error(err)
	}
	passesOthers(t, middleware.MessageLimit(1))
}

// timeout is one of a second.
var timeout = middleware.Timeout(time.Second, middleware.TimeoutOptions{})

func TestTimeoutC1_BeforeTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			<-ctx.Done()
			if cause := context.Cause(ctx); cause != middleware.ErrTimeout {
				t.Errorf("cause: %v", cause)
			}
			if err := conn.Send(ctx, parley.HTTPResponseStart{Status: 200}); err != parley.ErrDisconnected {
				t.Errorf("late answer: %v", err)
			}
			time.Sleep(time.Hour) // it does not keep the client waiting
			return context.Cause(ctx)
		})
		x := parleytest.Start(t, timeout(app), get("/"))
		if got := x.Status(); got != 503 {
			t.Errorf("status %d", got)
		}
		time.Sleep(2 * time.Hour)
		if got := x.Response(); got.Err != nil || got.Body != "Service Unavailable\n" {
			t.Errorf("%q %v", got.Body, got.Err)
		}
	})
}

func TestTimeoutC1_StreamMayLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
			time.Sleep(10 * time.Second)
			if ctx.Err() != nil {
				t.Error(context.Cause(ctx))
			}
			return conn.Send(ctx, parley.HTTPResponseBody{Body: []byte("late")})
		})
		if got := parleytest.Do(t, timeout(app), get("/")); got.Status != 200 || got.Body != "late" {
			t.Errorf("%d %q", got.Status, got.Body)
		}
	})
}

func TestTimeoutC2_Handshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			<-ctx.Done()
			return conn.Send(ctx, parley.WebSocketAccept{})
		})
		got := parleytest.Dial(t, timeout(app), get("/")).Denial()
		if got.Status != 503 || got.Err != nil {
			t.Errorf("%d %v", got.Status, got.Err)
		}
	})
}

func TestTimeoutC2_SocketMayLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws := parleytest.Dial(t, timeout(new(inner)), get("/"))
		ws.Accept()
		time.Sleep(time.Minute)
		ws.Send(parley.Text("here"))
		if got := ws.Receive().Text(); got != "here" {
			t.Errorf("got %q", got)
		}
	})
}

func TestTimeoutIsADeadline(t *testing.T) {
	if !errors.Is(middleware.ErrTimeout, context.DeadlineExceeded) {
		t.Error("ErrTimeout is no deadline")
	}
	passesOthers(t, timeout)
}

// Report is called by a timer: however it ends, the program goes on.
func TestTimeoutReportThatDoesNotReturn(t *testing.T) {
	for name, report := range map[string]func(){
		"panic": func() { panic(errInner) }, "exit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				app := middleware.Timeout(time.Second, middleware.TimeoutOptions{
					Report: func(context.Context, *parley.Scope, *middleware.Refusal) { report() },
				})(parley.AppFunc(func(ctx context.Context, _ *parley.Scope, _ parley.Conn) error {
					<-ctx.Done()
					if cause := context.Cause(ctx); cause != middleware.ErrTimeout {
						t.Errorf("cause %v", cause)
					}
					return nil
				}))
				got := parleytest.Do(t, app, get("/"))
				if got.Status != 500 || got.Err == nil {
					t.Errorf("%d %v", got.Status, got.Err)
				}
			})
		})
	}
}

// What does not begin the answer passes until the deadline, and not behind it.
func TestTimeoutEarlyHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := middleware.Timeout(time.Second, middleware.TimeoutOptions{})(parley.AppFunc(
			func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
				hint := parley.HTTPResponseEarlyHint{Links: []string{"</a.css>; rel=preload"}}
				if err := conn.Send(ctx, hint); err != nil {
					t.Error(err)
				}
				time.Sleep(2 * time.Second)
				if err := conn.Send(context.WithoutCancel(ctx), hint); err != parley.ErrDisconnected {
					t.Errorf("late: %v", err)
				}
				return nil
			}))
		if got := parleytest.Do(t, app, get("/")).Status; got != 503 {
			t.Errorf("status %d", got)
		}
	})
}
