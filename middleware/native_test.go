package middleware_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/middleware"
)

// Below everything that decides or tells by the context, a handler gets the
// server's own writer, and may upgrade by itself.
func TestNativeSurvives(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := middleware.RequestIDFrom(r.Context()); id != "id" || r.RemoteAddr != "203.0.113.7:0" {
			t.Errorf("id %q, address %s", id, r.RemoteAddr)
		}
		if r.Header.Get("Upgrade") == "" {
			if _, ok := w.(io.ReaderFrom); !ok {
				t.Errorf("%T is not the server's", w)
			}
			return
		}
		upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.Close()
		ws.WriteMessage(websocket.TextMessage, []byte("mine"))
	})
	proxies := middleware.NewTrustedProxies(middleware.ProxiesOptions{Trust: []string{"127.0.0.1"}})
	id := middleware.RequestID(middleware.RequestIDOptions{Echo: true})
	finders := []parley.Middleware{proxies.Wrap, id}
	origin := middleware.NewOrigin(middleware.OriginOptions{AllowMissing: true})
	hosts := middleware.NewHosts(middleware.HostsOptions{Allow: []string{"127.0.0.1"}})
	limit := middleware.NewRateLimit(middleware.RateLimitOptions{
		Connections: 10, Requests: middleware.Rate{PerSecond: 100},
	})
	all := append(finders, origin.Wrap, hosts.Wrap, limit.Wrap,
		middleware.Recover(middleware.RecoverOptions{}))
	server := httptest.NewServer(nethttp.Handler(parley.Chain(nethttp.App(handler), all...)))
	defer server.Close()

	header := http.Header{"X-Forwarded-For": {"203.0.113.7"}, "X-Request-Id": {"id"}}
	r, _ := http.NewRequest("GET", server.URL, nil)
	r.Header = header
	response, err := server.Client().Do(r)
	if err != nil || response.StatusCode != 200 || response.Header.Get("X-Request-Id") != "id" {
		t.Fatalf("%v %v", response, err)
	}
	response.Body.Close()
	server.Client().CloseIdleConnections()
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), header)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if _, text, err := ws.ReadMessage(); string(text) != "mine" {
		t.Errorf("%q %v", text, err)
	}
}
