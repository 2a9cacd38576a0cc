package thirdparty

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestLeakOverHTTP2: an app that outlives its socket is named, with its stack, and the
// drain counts what became of sockets.
func TestLeakOverHTTP2(t *testing.T) {
	if !extended(t) {
		return
	}
	for _, mode := range []nethttp.Mode{nethttp.Detach, nethttp.Hold} {
		synctest.Test(t, func(t *testing.T) {
			leave := make(chan struct{})
			app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
				conn.Send(ctx, parley.WebSocketAccept{})
				staysOn(leave)
				return nil
			})
			var log bytes.Buffer
			s, client := serveMemory(t, socketsOnly(app), nethttp.Options{
				Mode: mode, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			conn, _, err := client.dial("/stuck")
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := s.Stats(); got.Leaked != 1 || got.Gateways.WebSockets != 1 {
				t.Errorf("%+v", got)
			}
			for _, part := range []string{"outlives", "protocol=websocket", "path=/stuck", "thirdparty.staysOn("} {
				if strings.Count(log.String(), part) != 1 {
					t.Errorf("no %s in %s", part, log.String())
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			report, err := s.Drain(ctx)
			if want := (nethttp.DrainCount{Cut: 1}); err == nil || report.WebSockets != want {
				t.Errorf("%+v, %v", report, err)
			}
			close(leave)
			if err := s.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

//go:noinline
func staysOn(leave chan struct{}) { <-leave }
