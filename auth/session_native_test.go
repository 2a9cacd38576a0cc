package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/parleytest"
)

// scs's own middleware in front of a socket sets its cookie with the accept, once,
// and leaves no session behind that nobody has.
func TestLoadAndSaveOfScsOnSockets(t *testing.T) {
	for _, live := range []bool{false, true} {
		for _, does := range []string{"accept", "deny", "close"} {
			t.Run(fmt.Sprintf("live %v, %s", live, does), func(t *testing.T) {
				manager := newSessions()
				app := parley.Chain(parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
					manager.Put(ctx, "a", "at the answer")
					switch does {
					case "deny":
						return ws.Deny(ctx, parley.WebSocketDeny{Status: 402})
					case "close":
						return ws.Close(ctx, parley.CloseNormal, "")
					}
					if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
						return err
					}
					manager.Put(ctx, "a", "later")
					_, err := ws.Read(ctx)
					return err
				}), nethttp.Middleware(manager.LoadAndSave), auth.LoadAndSave(manager))
				header := shake(t, app, live)
				cookie := setCookie(header)
				if got := value(t, manager, cookie, "a"); got != "at the answer" {
					t.Errorf("cookie %q of %v, a is %q", cookie, header, got)
				}
				all, err := manager.Store.(interface {
					All() (map[string][]byte, error)
				}).All()
				if err != nil || len(all) != 1 {
					t.Errorf("%d sessions in the store, %v", len(all), err)
				}
			})
		}
	}
}

// shake shakes hands, lets the app end and returns the headers of the answer.
func shake(t *testing.T, app parley.App, live bool) http.Header {
	t.Helper()
	if !live {
		ws := parleytest.Dial(t, app, get("/"))
		if !ws.Accepted() {
			return ws.Denial().Header
		}
		header := ws.Accept().Header
		ws.Close(1000, "")
		ws.Wait()
		return header
	}
	gateway := nethttp.Handler(app)
	server := httptest.NewServer(gateway)
	defer server.Close()
	ws, response, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
	switch {
	case err == nil:
		ws.Close()
	case response == nil:
		t.Fatal(err)
	}
	gateway.Drain(t.Context())
	return response.Header
}
