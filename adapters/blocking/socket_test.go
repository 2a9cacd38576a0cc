package blocking_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley/adapters/blocking"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/bridge"
)

// TestBlockingSockets: a blocking handler may take a WebSocket over with a library, and
// holds its thread for as long as it speaks.
func TestBlockingSockets(t *testing.T) {
	ended := make(chan error, 1)
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var upgrader websocket.Upgrader
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		for err == nil {
			var kind int
			var message []byte
			if kind, message, err = conn.ReadMessage(); err == nil {
				err = conn.WriteMessage(kind, message)
			}
		}
		ended <- err
	})
	for name, anyThread := range map[string]bool{"any thread": true, "one thread": false} {
		t.Run(name, func(t *testing.T) {
			b := ownBridge(t, bridge.Options{Capacity: 2})
			app := blocking.App(echo, blocking.Options{Bridge: b, AnyThread: anyThread})
			server := httptest.NewServer(nethttp.Handler(app))
			defer server.Close()
			url := "ws" + strings.TrimPrefix(server.URL, "http")
			conn, _, err := websocket.DefaultDialer.Dial(url, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetReadDeadline(time.Now().Add(30 * time.Second))
			conn.WriteMessage(websocket.TextMessage, []byte("hi"))
			if _, message, err := conn.ReadMessage(); string(message) != "hi" {
				t.Errorf("heard %q, %v", message, err)
			}
			conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4000, ""))
			if err := <-ended; !websocket.IsCloseError(err, 4000) {
				t.Errorf("the handler met %v", err)
			}
		})
	}
}
