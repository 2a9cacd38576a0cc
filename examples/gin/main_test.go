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
			if response.StatusCode != test.status || test.body != "" && string(body) != test.body ||
				err != nil {
				t.Errorf("got %d %s %v, want %d %s", response.StatusCode, body, err, test.status, test.body)
			}
		})
	}
}

// TestLive has a socket and a stream hear of the same task, and of no other.
func TestLive(t *testing.T) {
	url := start(t)
	ws, stream, lines := listen(t, url)
	defer ws.Close()
	defer stream.Close()
	for _, send := range []string{`{}`, `{"title":"write"}`} { // the first one is refused
		response, err := http.Post(url, "application/json", strings.NewReader(send))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	if _, data, err := ws.ReadMessage(); string(data) != "write" || err != nil {
		t.Errorf("got %s, %v", data, err)
	}
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
	}
	if lines.Text() != "data: write" {
		t.Errorf("got %q, %v", lines.Text(), lines.Err())
	}
}

// listen opens a socket, and a stream whose head has been read.
func listen(t *testing.T, url string) (*websocket.Conn, io.Closer, *bufio.Scanner) {
	t.Helper()
	live := strings.TrimSuffix(url, "tasks") + "live"
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(live, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest("GET", live, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	stream, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if got := stream.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("got %q", got)
	}
	lines := bufio.NewScanner(stream.Body)
	for lines.Scan() && lines.Text() != "" { // the event that opens it
	}
	return ws, stream.Body, lines
}

// TestGoodbye has the program stop while a socket and a stream listen.
func TestGoodbye(t *testing.T) {
	socketEnd, streamEnd := make(chan error, 1), make(chan string, 1)
	t.Run("listen", func(t *testing.T) {
		ws, stream, lines := listen(t, start(t))
		go func() {
			defer ws.Close()
			_, _, err := ws.ReadMessage()
			socketEnd <- err
		}()
		go func() {
			defer stream.Close()
			var said []string
			for lines.Scan() {
				said = append(said, lines.Text())
			}
			streamEnd <- strings.Join(said, "\n")
		}()
	})
	if err := <-socketEnd; !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
		t.Errorf("the socket ended with %v", err)
	}
	if said := <-streamEnd; !strings.Contains(said, "event: close") || !strings.Contains(said,
		"1012") {
		t.Errorf("the stream ended with %q", said)
	}
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
