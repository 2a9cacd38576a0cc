package fallback_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
)

// TestC5LeaksAreReported: an app that goes on when its session is over, once.
func TestC5LeaksAreReported(t *testing.T) {
	for after, want := range map[time.Duration]int{0: 1, -1: 0, time.Hour: 0} {
		t.Run(after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				leave := make(chan struct{})
				var log bytes.Buffer
				app := fallback.New(parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
					err := ws.Accept(ctx, parley.WebSocketAccept{})
					staysOn(leave)
					return err
				}), fallback.Options{LeakAfter: after, Logger: slog.New(slog.NewTextHandler(&log, nil))})
				c := (&client{t: t, app: app}).mustOpen() // and does not come back
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				text := log.String()
				if n := strings.Count(text, "outlives"); n != want || app.Stats().Leaked != uint64(want) {
					t.Errorf("reported %d times, %+v", n, app.Stats())
				}
				if want > 0 && (!strings.Contains(text, "protocol=fallback") ||
					!strings.Contains(text, c.path()+" age=") || !strings.Contains(text, "fallback_test.staysOn(")) {
					t.Error(text)
				}
				close(leave)
				synctest.Wait()
			})
		})
	}
}

//go:noinline
func staysOn(leave chan struct{}) { <-leave }
