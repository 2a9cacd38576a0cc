package nethttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/ending"
)

// endsAfter ends what is below it for cause when it has gone on for a second.
func endsAfter(cause error) parley.Middleware {
	return func(next parley.App) parley.App {
		return parley.AppFunc(func(
			ctx context.Context, scope *parley.Scope, conn parley.Conn,
		) error {
			ctx, same, ender, release := ending.Of(ctx, scope, conn)
			defer release()
			defer time.AfterFunc(time.Second, func() { ender.End(cause) }).Stop()
			err := next.Serve(ctx, scope, same)
			if ctx.Err() != nil && (err != nil || ending.Unanswered(ender)) {
				return cause
			}
			return err
		})
	}
}

// TestUploadsEndAtOnce: an app that reads its request hears of its end though the client
// sends nothing, and the client of the answer though it has not sent all.
func TestUploadsEndAtOnce(t *testing.T) {
	tellsEnd := func(_ []byte, err error) error {
		if !errors.Is(err, parley.ErrDisconnected) {
			t.Errorf("the app was told %v", err)
		}
		return err
	}
	reads := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		_ = ctx.Done() // so that a drain tells it
		return tellsEnd(parley.ReadBody(ctx, conn, -1))
	})
	readsOwn := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		own, cancel := context.WithCancel(ctx)
		defer cancel()
		return tellsEnd(parley.ReadBody(own, conn, -1))
	})
	reading := nethttp.App(serve(func(_ http.ResponseWriter, r *http.Request) {
		_ = r.Context().Done()
		io.ReadAll(r.Body)
	}))
	watches := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		<-ctx.Done()
		return ctx.Err()
	})
	for name, app := range map[string]parley.App{
		"an app":                  reads,
		"an app that waits":       readsOwn,
		"an app that reads none":  watches,
		"a wrapped app":           wrapping(reads),
		"a handler over events":   wrapping(reading),
		"an app below middleware": nethttp.Middleware(decorates)(reads),
	} {
		for where, above := range map[string]parley.Middleware{
			"on the conn": endsAfter(parley.ErrAuthExpired),
			"on another": parley.Middleware(func(next parley.App) parley.App {
				return wrapping(endsAfter(parley.ErrAuthExpired)(next))
			}),
		} {
			t.Run(name+" ended "+where, func(t *testing.T) {
				uploadEnds(t, gateway(above(app)), nil, "401")
			})
		}
		t.Run(name+" drained", func(t *testing.T) {
			g := gateway(app)
			uploadEnds(t, g, func() {
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				defer cancel()
				g.Drain(ctx)
			}, "503")
		})
	}
}

// uploadEnds sends a part of an upload and wants the answer within two seconds.
func uploadEnds(t *testing.T, h http.Handler, end func(), status string) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		client := adaptertest.ServeInBubble(t, h).Dial()
		client.Say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
		synctest.Wait()
		if end != nil {
			go end()
		}
		head := client.RawHead()
		if !strings.HasPrefix(head, "HTTP/1.1 "+status) {
			t.Errorf("got %q, want %s", head, status)
		}
		if took := time.Since(begun); took > 2*time.Second { // of the bubble's clock
			t.Errorf("it took %v", took)
		}
		client.Rest()
	})
}
