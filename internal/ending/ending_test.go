package ending_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/ending"
	"github.com/parleygo/parley/parleytest"
)

// endedAfter ends what is open after a while.
func endedAfter(d time.Duration, cause error) parley.Middleware {
	return func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			ctx, conn, ender, release := ending.Of(ctx, scope, conn)
			defer release()
			timer := time.AfterFunc(d, func() { ender.End(cause) })
			defer timer.Stop()
			return next.Serve(ctx, scope, conn)
		})
	}
}

func request() *http.Request { return httptest.NewRequest("GET", "/", nil) }

func TestSocketEnds(t *testing.T) {
	for _, test := range []struct {
		name   string
		accept bool
		leave  time.Duration // the client does, if it is not zero
		cause  error
		code   parley.CloseCode // that the app is told
		status int              // of a denial
	}{
		{"open", true, 0, parley.ErrAuthExpired, parley.CloseUnauthorized, 0},
		{"limited", true, 0, parley.ErrRateLimited, parley.CloseRateLimited, 0},
		{"before the accept", false, 0, parley.ErrAuthExpired, parley.CloseUnauthorized, 401},
		{"before the accept, overloaded", false, 0, parley.ErrOverloaded, parley.CloseTryAgainLater, 503},
		{"after the client has left", true, time.Second, parley.ErrAuthExpired, 4000, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ends [2]parley.Event
				var cause, sent error
				app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
					conn.Receive(ctx)
					if test.accept {
						conn.Send(ctx, parley.WebSocketAccept{})
					}
					free := context.WithoutCancel(ctx)
					time.Sleep(3 * time.Second)
					for i := range ends {
						ends[i], _ = conn.Receive(free)
					}
					cause, sent = context.Cause(ctx), conn.Send(free, parley.Text("late"))
					return nil
				})
				ws := parleytest.Dial(t, endedAfter(2*time.Second, test.cause)(app), request())
				if !test.accept {
					if got := ws.Denial().Status; got != test.status {
						t.Errorf("status %d", got)
					}
				} else {
					ws.Accept()
					ws.Send(parley.Text("unread"))
				}
				if test.leave > 0 {
					time.Sleep(test.leave)
					ws.Close(4000, "")
				}
				ws.Wait()
				if test.leave > 0 { // what came before the end is read first
					ends[0] = ends[1]
				}
				end, _ := ends[0].(parley.WebSocketDisconnect)
				if ends[0] != ends[1] || end.Code != test.code || end.Cause != cause ||
					!errors.Is(sent, parley.ErrDisconnected) {
					t.Errorf("told %v and %v, context %v, Send %v", ends[0], ends[1], cause, sent)
				}
			})
		})
	}
}

func TestAnswerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
			free := context.WithoutCancel(ctx)
			conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
			conn.Send(ctx, parley.HTTPResponseBody{Body: []byte("1"), More: true})
			<-ctx.Done()
			event, _ := conn.Receive(free)
			if end, ok := event.(parley.HTTPDisconnect); !ok || end.Cause != parley.ErrAuthExpired {
				t.Errorf("received %v", event)
			}
			err := conn.Send(free, parley.HTTPResponseBody{Body: []byte("2"), More: true})
			if !errors.Is(err, parley.ErrDisconnected) {
				t.Errorf("a part: %v", err)
			}
			return conn.Send(free, parley.HTTPResponseBody{Body: []byte("bye")})
		})
		got := parleytest.Do(t, endedAfter(time.Second, parley.ErrAuthExpired)(app), request())
		if got.Body != "1bye" || got.Truncated || got.Err != nil {
			t.Errorf("%q, truncated %v, %v", got.Body, got.Truncated, got.Err)
		}
	})
}

// Whoever comes first, the event and the context tell the same.
func TestEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for i := range 1000 {
			app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
				conn.Receive(ctx)
				conn.Send(ctx, parley.WebSocketAccept{})
				event, _ := conn.Receive(context.WithoutCancel(ctx))
				<-ctx.Done()
				if end := event.(parley.WebSocketDisconnect); end.Cause != context.Cause(ctx) {
					t.Errorf("the event tells %v, the context %v", end.Cause, context.Cause(ctx))
				}
				return nil
			})
			ws := parleytest.Dial(t, endedAfter(time.Second, parley.ErrAuthExpired)(app), request())
			ws.Accept()
			time.Sleep(time.Second - time.Duration(i%2))
			ws.Vanish()
			ws.Wait()
		}
	})
}

// live is a conn of a transport that is an Ender itself.
type live struct {
	parley.Conn
	cause error
}

func (l *live) End(cause error) { l.cause = cause }

// An Ender stays what it is, so that what is native below stays native.
func TestEndersAreNotWrapped(t *testing.T) {
	conn := new(live)
	ctx, same, ender, release := ending.Of(t.Context(), &parley.Scope{Protocol: parley.HTTP}, conn)
	defer release()
	if ctx != t.Context() || same != parley.Conn(conn) || ending.Unanswered(ender) {
		t.Errorf("%v, %v", ctx, same)
	}
	if ender.End(parley.ErrIdle); conn.cause != parley.ErrIdle {
		t.Errorf("ended for %v", conn.cause)
	}
}

// Whether there is an answer is known until the end, and behind it.
func TestUnanswered(t *testing.T) {
	for _, answers := range []bool{false, true} {
		app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			_, conn, ender, release := ending.Of(ctx, scope, conn)
			defer release()
			if answers {
				conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
			}
			ender.End(parley.ErrIdle)
			ender.End(parley.ErrDraining) // the first one counts
			conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
			if got := ending.Unanswered(ender); got == answers {
				t.Errorf("answers %v: unanswered %v", answers, got)
			}
			if _, ok := parley.OffererOf(conn); ok {
				t.Error("HTTP has nobody who offers")
			}
			event, _ := conn.Receive(ctx)
			if gone, ok := event.(parley.HTTPDisconnect); !ok || gone.Cause != parley.ErrIdle {
				t.Errorf("received %v", event)
			}
			return nil
		})
		parleytest.Do(t, app, request())
	}
}
