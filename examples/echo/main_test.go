package main

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestEcho(t *testing.T) {
	ws := dial(t, start(t))
	for _, test := range []struct {
		name string
		kind int
		data string
	}{
		{"text", websocket.TextMessage, "hello"},
		{"empty", websocket.TextMessage, ""},
		{"unicode", websocket.TextMessage, "grüß 世界"},
		{"binary", websocket.BinaryMessage, "\x00\xff"},
		{"large", websocket.BinaryMessage, strings.Repeat("x", 1<<20)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := ws.WriteMessage(test.kind, []byte(test.data)); err != nil {
				t.Fatal(err)
			}
			kind, data, err := ws.ReadMessage()
			if kind != test.kind || string(data) != test.data || err != nil {
				t.Errorf("got kind %d, %d bytes, %v", kind, len(data), err)
			}
		})
	}
}

func TestHandshakes(t *testing.T) {
	url := start(t)
	host := strings.Trim(strings.TrimPrefix(url, "ws://"), "/")
	for _, test := range []struct {
		name, origin string
		status       int
	}{
		{"no origin", "", 101},
		{"own page", "http://" + host, 101},
		{"foreign page", "http://example.com", 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			header := http.Header{}
			if test.origin != "" {
				header.Set("Origin", test.origin)
			}
			ws, response, err := websocket.DefaultDialer.Dial(url, header)
			if response == nil {
				t.Fatal(err)
			}
			if response.StatusCode != test.status {
				t.Errorf("got %d, want %d", response.StatusCode, test.status)
			}
			if ws != nil {
				ws.Close()
			}
		})
	}
	t.Run("no handshake", func(t *testing.T) {
		response, err := http.Get("http://" + host)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != 426 {
			t.Errorf("got %d", response.StatusCode)
		}
	})
}

func TestCloseHandshake(t *testing.T) {
	ws := dial(t, start(t))
	bye := websocket.FormatCloseMessage(websocket.CloseGoingAway, "done")
	if err := ws.WriteMessage(websocket.CloseMessage, bye); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("got %v", err)
	}
}

// dial opens a socket that is closed with the test.
func dial(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	return ws
}

// start runs the program and returns the URL it prints. The program is stopped
// and must end cleanly with the test.
func start(t *testing.T) string {
	t.Helper()
	out, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(t.Context(), []string{"-addr", "127.0.0.1:0"}, stdout)
		stdout.CloseWithError(err)
		ended <- err
	}()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, url, _ := strings.Cut(strings.TrimSpace(line), ": ")
	return url
}
