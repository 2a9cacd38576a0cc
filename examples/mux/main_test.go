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

func TestRequests(t *testing.T) {
	url := strings.TrimSuffix(start(t), "/whoami")
	for _, test := range []struct {
		path, user, password string
		status               int
		body                 string
	}{
		{"/whoami", "ann", "secret", 200, "ann\n"},
		{"/whoami", "bob", "secret", 200, "bob\n"},
		{"/whoami", "ann", "guess", 401, "who are you?\n"},
		{"/whoami", "", "", 401, "who are you?\n"},
		{"/nothing", "ann", "secret", 404, "404 page not found\n"},
	} {
		t.Run(test.path+" "+test.user+" "+test.password, func(t *testing.T) {
			request, err := http.NewRequest("GET", url+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.SetBasicAuth(test.user, test.password)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			check(t, response, test.status, test.body)
		})
	}
}

func TestSocket(t *testing.T) {
	url := "ws" + strings.TrimPrefix(start(t), "http")

	ws, _, err := websocket.DefaultDialer.Dial(url, credentials("ann", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if _, data, err := ws.ReadMessage(); string(data) != "welcome ann" || err != nil {
		t.Errorf("got %q, %v", data, err)
	}
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Errorf("got %v", err)
	}

	_, denial, err := websocket.DefaultDialer.Dial(url, nil)
	if denial == nil {
		t.Fatal(err)
	}
	if denial.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("got %v", denial.Header)
	}
	check(t, denial, 401, "who are you?\n")
}

// credentials is the header of a client who says who they are.
func credentials(user, password string) http.Header {
	request := http.Request{Header: http.Header{}}
	request.SetBasicAuth(user, password)
	return request.Header
}

func check(t *testing.T, response *http.Response, status int, body string) {
	t.Helper()
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if response.StatusCode != status || string(got) != body || err != nil {
		t.Errorf("got %d %q %v, want %d %q", response.StatusCode, got, err, status, body)
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
