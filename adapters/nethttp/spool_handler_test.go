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
	for name, c := range map[string]struct {
		app    parley.App
		max    int64
		status int
	}{
		"handler":          {nethttp.App(echo), 0, 200},
		"beyond MaxBody":   {nethttp.App(echo), 5, 200},
		"middleware":       {parley.Chain(readThenAnswer, nethttp.Middleware(through)), 0, 200},
		"app and MaxBody":  {parley.Chain(readThenAnswer, nethttp.Middleware(through)), 5, 413},
		"middleware twice": {parley.Chain(nethttp.App(echo), nethttp.Middleware(through), slow), 5, 200},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := gateway(slow(c.app), nethttp.Options{MaxBody: c.max})
				client := adaptertest.ServeInBubble(t, g).Dial()
				go client.Say("%s", posting("/", body))
				got := client.Response("POST")
				if got.Status != c.status || c.status == 200 && got.Body != body {
					t.Errorf("answered %d with %d bytes", got.Status, len(got.Body))
				}
				if stats := g.Stats(); stats.Requests+int(stats.Served) != 1 {
					t.Errorf("%d requests, and %d before", stats.Requests, stats.Served)
				}
			})
		})
	}
}
