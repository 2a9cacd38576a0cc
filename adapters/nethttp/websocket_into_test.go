package nethttp_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// An app that reads into its own buffer, or what it is lent, gets each message, and its
// end as from Read, whether a conn stands in front that cannot do it or not.
func TestReadInto(t *testing.T) {
	for name, wrap := range map[string]parley.Middleware{
		"live": func(next parley.App) parley.App { return next },
		"wrapped": func(next parley.App) parley.App {
			return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
				return next.Serve(ctx, scope, struct{ parley.Conn }{conn})
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			echo := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
				if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
					return err
				}
				buffer := make([]byte, 100)
				for i := 0; ; i++ {
					m, err := ws.ReadLent(ctx)
					if err == nil && i%2 == 0 {
						err = ws.Write(ctx, parley.WebSocketSend{Type: m.Type, Data: m.Data})
						if err == nil {
							m, err = ws.ReadInto(ctx, buffer)
						}
					}
					if err != nil {
						ended <- err
						return err
					}
					if err := ws.Write(ctx, parley.WebSocketSend{Type: m.Type, Data: m.Data}); err != nil {
						return err
					}
				}
			})
			server := httptest.NewServer(nethttp.Handler(wrap(echo)))
			defer server.Close()
			conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for _, want := range []string{"one", "", strings.Repeat("long ", 100), "two"} {
				conn.WriteMessage(websocket.TextMessage, []byte(want))
				if _, got, err := conn.ReadMessage(); err != nil || string(got) != want {
					t.Errorf("said back %q, %v", got, err)
				}
			}
			conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4000, "bye"))
			var bye *parley.CloseError
			if err := <-ended; !errors.As(err, &bye) ||
				*bye != (parley.CloseError{Code: 4000, Reason: "bye"}) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}
