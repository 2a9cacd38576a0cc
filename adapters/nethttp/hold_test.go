package nethttp_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestAnswersAreNotHeldBack: what answers a handshake goes out at once, however long
// the app goes on, and whoever waits for it.
func TestAnswersAreNotHeldBack(t *testing.T) {
	denied := parley.WebSocketDeny{Status: 418, Body: []byte("teapot")}
	for name, c := range map[string]struct {
		say   []parley.Event
		want  int
		after time.Duration
	}{
		"denial": {[]parley.Event{denied}, 418, 0},
		"close":  {[]parley.Event{parley.WebSocketClose{}}, 403, 0},
		"denial in parts": {[]parley.Event{parley.WebSocketResponseStart{Status: 418},
			parley.WebSocketResponseBody{Body: []byte("tea"),
				More: true}, parley.WebSocketResponseBody{}}, 418, 0},
		"nothing": {nil, 503, 10 * time.Second},
	} {
		for _, mode := range []nethttp.Mode{nethttp.Hold, nethttp.Detach} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := gateway(parley.AppFunc(func(
						ctx context.Context, _ *parley.Scope, conn parley.Conn,
					) error {
						conn.Receive(ctx)
						defer time.Sleep(time.Hour)
						return sendAll(ctx, conn, c.say...)
					}), nethttp.Options{Mode: mode})
					client := adaptertest.ServeInBubble(t, g).Dial()
					begun := time.Now()
					client.Say("%s", getting("/", upgrade...))
					if strings.HasSuffix(name, "in parts") { // which end when the app returns
						if head := client.Head("GET"); head.StatusCode != c.want || time.Since(begun) != c.after {
							t.Errorf("mode %d: %+v after %v", mode, head, time.Since(begun))
						}
					} else if answer := client.Response("GET"); answer.Status != c.want || answer.Cut ||
						time.Since(begun) != c.after {
						t.Errorf("mode %d: %+v after %v", mode, answer, time.Since(begun))
					}
					time.Sleep(2 * time.Hour)
				})
			})
		}
	}
}

// deadlined is what chi's Timeout does to the requests below it.
func deadlined(timeout time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), timeout)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// TestDeadlinesOfMiddleware: a client whose request has run out of time is there
// still, and told so.
func TestDeadlinesOfMiddleware(t *testing.T) {
	slow := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		<-ctx.Done()
		return context.Cause(ctx)
	})
	for name, h := range map[string]http.Handler{
		"in front":            deadlined(time.Second)(gateway(slow)),
		"in front, held":      deadlined(time.Second)(gateway(slow, nethttp.Options{Mode: nethttp.Hold})),
		"in front of the app": gateway(parley.Chain(slow, nethttp.Middleware(deadlined(time.Second)))),
	} {
		for _, request := range []string{getting("/"), getting("/", upgrade...)} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client := adaptertest.ServeInBubble(t, h).Dial()
					client.Say("%s", request)
					if answer := client.Response("GET"); answer.Status != 503 {
						t.Errorf("%+v", answer)
					}
				})
			})
		}
	}
}

// TestSocketsOutliveTheirRequest: middleware that gives a request so much time does
// not end the socket that comes of it.
func TestSocketsOutliveTheirRequest(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"in front":            deadlined(time.Second)(gateway(echo)),
		"in front, held":      deadlined(time.Second)(gateway(echo, nethttp.Options{Mode: nethttp.Hold})),
		"in front of the app": gateway(parley.Chain(echo, nethttp.Middleware(deadlined(time.Second)))),
		"which wraps the conn": gateway(parley.Chain(echo, wrapping,
			nethttp.Middleware(deadlined(time.Second)))),
		"TimeoutHandler": gateway(parley.Chain(echo,
			nethttp.Middleware(func(next http.Handler) http.Handler {
				return http.TimeoutHandler(next, time.Second, "")
			}))),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := adaptertest.ServeInBubble(t, h).Dial()
				client.Say("%s", getting("/", upgrade...))
				client.RawHead()
				time.Sleep(5 * time.Second)
				client.Say("%s", text("hi")+goodbye)
				if got := client.Rest(); got != "\x81\x02hi\x88\x02\x03\xe8" {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}
