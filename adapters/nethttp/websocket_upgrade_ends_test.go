package nethttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"runtime"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// endingWriter ends in some way when it is asked for its header.
type endingWriter struct {
	http.ResponseWriter
	end func()
}

func (w *endingWriter) Header() http.Header {
	w.end()
	return w.ResponseWriter.Header()
}

func (w *endingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// TestUpgradeEndsOtherwise: what a writer above does while the handshake is accepted ends
// this conversation. No call of the app's waits for ever, and none believes that it has
// an open socket.
func TestUpgradeEndsOtherwise(t *testing.T) {
	for name, end := range map[string]func(){
		"panic": func() { panic("boom") },
		"exit":  runtime.Goexit,
	} {
		for _, mode := range []nethttp.Mode{nethttp.Detach, nethttp.Hold} {
			t.Run(fmt.Sprintf("%s, mode %d", name, mode), func(t *testing.T) {
				const calls = 3
				errs := make(chan error, calls)
				app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
					if err := parley.AwaitConnect(ctx, conn); err != nil {
						return err
					}
					for range calls {
						go func() {
							err := errors.New("its goroutine has ended")
							defer func() { errs <- err }()
							err = conn.Send(ctx, parley.WebSocketAccept{})
						}()
					}
					<-ctx.Done()
					event, err := conn.Receive(context.WithoutCancel(ctx))
					if _, ok := event.(parley.WebSocketDisconnect); !ok {
						t.Errorf("received %v, %v", event, err)
					}
					return nil
				})
				h := nethttp.Handler(app, nethttp.Options{Mode: mode, Logger: slog.New(slog.DiscardHandler)})
				server := adaptertest.New(t, http.HandlerFunc(
					func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(&endingWriter{w, end}, r) }))
				server.Config.ErrorLog = log.New(io.Discard, "", 0)
				server.Start()
				server.Exchange(getting("/", upgrade...), "")
				for range calls {
					if err := <-errs; err == nil {
						t.Error("a handshake that failed was accepted")
					}
				}
			})
		}
	}
}
