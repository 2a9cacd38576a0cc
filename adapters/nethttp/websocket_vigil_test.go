package nethttp_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// A handshake that its app leaves unanswered is looked after from its first moment to
// its last.
func TestVigil(t *testing.T) {
	const timeout = time.Second
	for name, test := range map[string]struct {
		timeout time.Duration // of the handshake
		ends    time.Duration // the request does; -1 is before it arrives, 0 never
		told    time.Duration // the app is, or little later
		cause   error
	}{
		"before":        {timeout, -1, 0, parley.ErrDisconnected},
		"at once":       {timeout, time.Microsecond, 0, parley.ErrDisconnected},
		"later":         {timeout, timeout / 2, timeout / 2, parley.ErrDisconnected},
		"no limit":      {-1, 2 * timeout, 2 * timeout, parley.ErrDisconnected},
		"in time":       {timeout, 0, timeout, context.DeadlineExceeded},
		"in no time":    {time.Microsecond, 0, time.Microsecond, context.DeadlineExceeded},
		"in next to it": {time.Millisecond, 0, time.Millisecond, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, end := context.WithCancel(t.Context())
				defer end()
				switch {
				case test.ends < 0:
					end()
				case test.ends > 0:
					defer time.AfterFunc(test.ends, end).Stop()
				}
				begun := time.Now()
				handler := gateway(parley.AppFunc(
					func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
						conn.Receive(ctx)
						event, _ := conn.Receive(context.WithoutCancel(ctx))
						gone, _ := event.(parley.WebSocketDisconnect)
						after := time.Since(begun)
						if !errors.Is(gone.Cause, test.cause) || after < test.told ||
							after > test.told+time.Millisecond {
							t.Errorf("told of %v after %v", gone.Cause, after)
						}
						return nil
					}), nethttp.Options{HandshakeTimeout: test.timeout})
				r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
				r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
					"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
				handler.ServeHTTP(httptest.NewRecorder(), r)
				synctest.Wait()
			})
		})
	}
}
