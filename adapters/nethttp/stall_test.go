package nethttp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// These tests run in a bubble, where time is not real and passes at once.

// TestBodyTimeout: a client that stops in the middle of its body is told 408
// after the timeout, whether the app reads under its own context or under one
// that may end, and the app is told that its peer is idle.
func TestBodyTimeout(t *testing.T) {
	readers := map[string]func(ctx context.Context) (context.Context, context.CancelFunc){
		"the conversation's context": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return ctx, func() {}
		},
		"a context of its own": context.WithCancel,
	}
	for name, derive := range readers {
		for _, request := range []string{
			"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf",
			chunked("4\r\nhalf\r\n"),
		} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var cause error
					var took time.Duration
					app := httpApp(func(ctx context.Context, conn parley.Conn) error {
						begun := time.Now()
						reading, cancel := derive(ctx)
						defer cancel()
						_, err := io.ReadAll(parley.BodyReader(reading, conn))
						took, cause = time.Since(begun), context.Cause(ctx)
						return err
					})
					client := adaptertest.ServeInBubble(t,
						gateway(app, nethttp.Options{BodyTimeout: 7 * time.Second})).Dial()
					client.Say("%s", request)
					answer := client.Response("POST")
					if answer.Status != http.StatusRequestTimeout || !answer.Close {
						t.Errorf("the client is answered %+v", answer)
					}
					if rest := client.Rest(); rest != "" {
						t.Errorf("behind the answer came %q", rest)
					}
					if cause != parley.ErrIdle || took != 7*time.Second {
						t.Errorf("after %v the context ended with %v", took, cause)
					}
				})
			})
		}
	}
}

// TestBodyTimeoutIsOfOneWait: a client that sends slowly is not a client that
// stalls.
func TestBodyTimeoutIsOfOneWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := adaptertest.ServeInBubble(t,
			gateway(readThenAnswer, nethttp.Options{BodyTimeout: 7 * time.Second})).Dial()
		client.Say("%s", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n")
		for _, letter := range "slowly" {
			time.Sleep(6 * time.Second)
			client.Say("%c", letter)
		}
		if answer := client.Response("POST"); answer.Body != "slowly" {
			t.Errorf("the client is answered %+v", answer)
		}
	})
}

// TestBodyTimeoutEndsWithTheBody: an app may take any time once it has the body,
// be it for its answer or for a stream that begins with one.
func TestBodyTimeoutEndsWithTheBody(t *testing.T) {
	for _, request := range []string{persisting("POST", "body"), chunked("4\r\nbody\r\n0\r\n\r\n")} {
		synctest.Test(t, func(t *testing.T) {
			app := httpApp(func(ctx context.Context, conn parley.Conn) error {
				body, err := parley.ReadBody(ctx, conn, 100)
				if err != nil {
					return err
				}
				select {
				case <-ctx.Done():
					return fmt.Errorf("the context ended: %w", context.Cause(ctx))
				case <-time.After(time.Hour):
				}
				return respond(ctx, conn, string(body))
			})
			client := adaptertest.ServeInBubble(t,
				gateway(app, nethttp.Options{BodyTimeout: 7 * time.Second})).Dial()
			for range 2 {
				client.Say("%s", request)
				if answer := client.Response("POST"); answer.Body != "body" || answer.Close {
					t.Errorf("the client is answered %+v", answer)
				}
			}
			client.Close()
		})
	}
}

// worksOn goes on behind its answer, for as long as its context lets it.
var worksOn = httpApp(func(ctx context.Context, conn parley.Conn) error {
	if err := respond(ctx, conn, "answer"); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Minute):
	}
	return nil
})

// TestWorkAfterTheAnswer: an app may go on behind its answer, and whatever it
// waits for, the connection serves the next request.
func TestWorkAfterTheAnswer(t *testing.T) {
	for _, unread := range []string{"unread", ""} {
		synctest.Test(t, func(t *testing.T) {
			client := adaptertest.ServeInBubble(t, gateway(worksOn)).Dial()
			for range 2 { // the rest of the first body is not the second request
				client.Say("%s", persisting("POST", unread))
				if answer := client.Response("POST"); answer.Status != 200 || answer.Body != "answer" ||
					answer.Close {
					t.Errorf("the client is answered %+v", answer)
				}
			}
			client.Close()
		})
	}
}

// TestTheRestOfABodyIsNotAwaitedForEver: a client that never sends the rest of its
// body gets its answer, and does not hold the connection afterwards.
func TestTheRestOfABodyIsNotAwaitedForEver(t *testing.T) {
	for _, c := range earlyApps {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := adaptertest.ServeInBubble(t, gateway(c.app)).Dial()
				client.Say("%s", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nhalf")
				if answer := client.Response("POST"); answer.Body != "answer" {
					t.Errorf("the client is answered %+v", answer)
				}
				client.Rest() // a bubble knows when nothing will ever happen any more
			})
		})
	}
}

// TestLateBodyIsNoRequest: what a client sends of its body behind the answer is
// never taken for its next request, whatever the app was doing meanwhile.
func TestLateBodyIsNoRequest(t *testing.T) {
	const late = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	for _, c := range append(earlyApps, struct {
		name string
		app  parley.App
	}{"and works on", worksOn}) {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
					if scope.Request.URL.Path == "/smuggled" {
						t.Error("a part of the body was served")
					}
					return c.app.Serve(ctx, scope, conn)
				})
				client := adaptertest.ServeInBubble(t, gateway(app)).Dial()
				client.Say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\nhalf", len("half"+late))
				if answer := client.Response("POST"); answer.Body != "answer" {
					t.Errorf("the client is answered %+v", answer)
				}
				client.Say("%s", late)
				if rest := client.Rest(); rest != "" {
					t.Errorf("behind the answer came %q", rest)
				}
			})
		})
	}
}
