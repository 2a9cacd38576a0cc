package nethttp_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
)

// TestBaseContext: when the context ends that a program has given its server, so do
// streams, requests and sockets, as in a drain.
func TestBaseContext(t *testing.T) {
	for name, request := range map[string]string{"socket": getting("/", upgrade...),
		"stream": getting("/")} {
		t.Run(name, func(t *testing.T) {
			base, end := context.WithCancel(t.Context())
			waiting, cause := make(chan struct{}), make(chan error, 1)
			server := adaptertest.New(t, gateway(parley.AppFunc(func(ctx context.Context,
				scope *parley.Scope, conn parley.Conn) error {
				if scope.Protocol == parley.WebSocket {
					conn.Receive(ctx)
					conn.Send(ctx, parley.WebSocketAccept{})
				} else {
					sendAll(ctx, conn, parley.HTTPResponseStart{Status: 200},
						parley.HTTPResponseBody{Body: []byte("a"), More: true})
				}
				close(waiting)
				<-ctx.Done()
				cause <- context.Cause(ctx)
				return nil
			})))
			server.Config.BaseContext = func(net.Listener) context.Context { return base }
			server.Start()
			client := server.Dial()
			client.Say("%s", request)
			adaptertest.Await(t, waiting, "the app")
			end()
			client.Say("%s", goodbye)
			if got := adaptertest.Await(t, cause, "the end"); got != parley.ErrDraining {
				t.Errorf("ended with %v", got)
			}
			if rest := client.Rest(); name == "socket" && !strings.HasSuffix(rest, "\x88\x02\x03\xf4") {
				t.Errorf("got %q", rest)
			}
		})
	}
}
