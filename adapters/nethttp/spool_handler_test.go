package nethttp_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestHandlersGetWhatWasReadAhead: middleware that asks for the end of the context, and
// takes its time, has the body read in the background. Handlers below get all of it.
func TestHandlersGetWhatWasReadAhead(t *testing.T) {
	echo := serve(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Write(body)
	})
	slow := func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			ctx, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			time.Sleep(time.Second) // in a bubble: by then all is read that is there
			return next.Serve(ctx, scope, conn)
		})
	}
	body := strings.Repeat("0123456789", 10_000)
	for name, app := range map[string]parley.App{
		"handler":          nethttp.App(echo),
		"middleware":       parley.Chain(readThenAnswer, nethttp.Middleware(through)),
		"middleware twice": parley.Chain(nethttp.App(echo), nethttp.Middleware(through), slow),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := adaptertest.ServeInBubble(t, gateway(slow(app))).Dial()
				go client.Say("%s", posting("/", body))
				if got := client.Response("POST"); got.Status != 200 || got.Body != body {
					t.Errorf("answered %d with %d bytes, want %d", got.Status, len(got.Body), len(body))
				}
			})
		})
	}
}
