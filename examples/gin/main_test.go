package main

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"
	"github.com/parleygo/parley/internal/leak"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	gin.DefaultWriter = io.Discard
	leak.Main(m)
}

func TestRequests(t *testing.T) {
	url := start(t)
	for _, test := range []struct {
		method, send string
		status       int
		body         string
	}{
		{"GET", "", 200, `[]`},
		{"POST", `{"title":"write"}`, 201, `{"id":1,"title":"write"}`},
		{"POST", `{"title":"read"}`, 201, `{"id":2,"title":"read"}`},
		{"POST", `{"title":1}`, 400, ""},
		{"POST", `{}`, 400, ""},
		{"GET", "", 200, `[{"id":1,"title":"write"},{"id":2,"title":"read"}]`},
	} {
		t.Run(test.method+" "+test.send, func(t *testing.T) {
			request, err := http.NewRequest(test.method, url, strings.NewReader(test.send))
			if err != nil {
				t.Fatal(err)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if response.StatusCode != test.status || test.body != "" && string(body) != test.body || err != nil {
				t.Errorf("got %d %s %v, want %d %s", response.StatusCode, body, err, test.status, test.body)
			}
		})
	}
}

// TestLive has a socket and a stream hear of the same change, and of no other.
func TestLive(t *testing.T) {
	url := start(t)
	live := strings.TrimSuffix(url, "tasks") + "live"
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(live, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	stream, err := http.Get(live)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if got := stream.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("got %q", got)
	}

	for _, send := range []string{`{}`, `{"title":"write"}`} { // the first one is refused
		response, err := http.Post(url, "application/json", strings.NewReader(send))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}

	const want = `{"method":"POST","path":"/tasks"}`
	if _, data, err := ws.ReadMessage(); string(data) != want || err != nil {
		t.Errorf("got %s, %v", data, err)
	}
	lines := bufio.NewScanner(stream.Body)
	for _, want := range []string{"event: change", "data: " + want, ""} {
		if !lines.Scan() || lines.Text() != want {
			t.Errorf("got %q, %v, want %q", lines.Text(), lines.Err(), want)
		}
	}
}

// TestGoodbye has the program stop while a socket and a stream listen.
func TestGoodbye(t *testing.T) {
	socketEnd, streamEnd := make(chan error, 1), make(chan struct{})
	t.Run("listen", func(t *testing.T) {
		live := strings.TrimSuffix(start(t), "tasks") + "live"
		ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(live, "http"), nil)
		if err != nil {
			t.Fatal(err)
		}
		stream, err := http.Get(live)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer ws.Close()
			_, _, err := ws.ReadMessage()
			socketEnd <- err
		}()
		go func() {
			defer stream.Body.Close()
			_, _ = io.Copy(io.Discard, stream.Body)
			close(streamEnd)
		}()
	})
	if err := <-socketEnd; !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
		t.Errorf("the socket ended with %v", err)
	}
	<-streamEnd
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
