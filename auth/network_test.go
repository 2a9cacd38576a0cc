package auth_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/middleware"
)

// Over a real connection: login, handshake with the cookie, and a logout that
// closes the socket with 4401.
func TestOverTheNetwork(t *testing.T) {
	s := newSite()
	layer := channel.New(channel.Options{})
	defer layer.Close(t.Context())
	s.options.Revocations = auth.NewChannelRevocations(layer)
	origin := middleware.NewOrigin(middleware.OriginOptions{Allow: []string{"https://shop.example"}})
	app := parley.Chain(s.app(whoami), origin.Wrap)
	gateway := nethttp.Handler(app, nethttp.Options{Logger: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(gateway)
	defer server.Close()

	dial := func(origin, cookie string) (*websocket.Conn, int) {
		header := http.Header{"Origin": {origin}, "Cookie": {cookie}}
		url := "ws" + strings.TrimPrefix(server.URL, "http")
		ws, response, err := websocket.DefaultDialer.Dial(url, header)
		if err != nil && response == nil {
			t.Fatal(err)
		}
		return ws, response.StatusCode
	}
	cookie := s.login(t, "", "ann")
	if _, status := dial("https://evil.example", cookie); status != 403 {
		t.Errorf("foreign origin: %d", status)
	}
	ws, status := dial("https://shop.example", cookie)
	if status != 101 {
		t.Fatalf("status %d", status)
	}
	ws.SetReadDeadline(time.Now().Add(30 * time.Second)) // a safety net
	if _, text, err := ws.ReadMessage(); string(text) != "ann" {
		t.Errorf("%q %v", text, err)
	}
	if _, err := s.act(t, cookie, s.sessions.Logout); err != nil {
		t.Fatal(err)
	}
	_, _, err := ws.ReadMessage()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != int(parley.CloseUnauthorized) {
		t.Errorf("after logout: %v", err)
	}
	ws.Close()
	gateway.Drain(t.Context())
}
