package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley/internal/leak"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	gin.DefaultWriter, gin.DefaultErrorWriter = io.Discard, io.Discard
	leak.Main(m)
}

// start runs the program and returns its URL. It is stopped and must end cleanly
// with the test.
func start(t *testing.T) (home string) {
	t.Helper()
	home, stop := launch(t, nap)
	t.Cleanup(stop)
	return home
}

// launch is start for a program that stops when it is told to.
func launch(t *testing.T, nap func(context.Context)) (home string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, nap) }()
	return "http://" + listener.Addr().String() + "/", func() {
		t.Helper()
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
}

func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-addr", "127.0.0.1:0"}, stdout) }()
	said := make([]byte, 100)
	n, err := out.Read(said)
	if got := string(said[:n]); err != nil || len(got) < 26 || got[:23] != "chat: http://127.0.0.1:" || got[n-2:] != "/\n" {
		t.Errorf("printed %q, %v", got, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestPages(t *testing.T) {
	home := start(t)
	for _, test := range []struct {
		path, contentType string
		status            int
	}{
		{"", "text/html; charset=utf-8", 200},
		{"chat.js", "text/javascript; charset=utf-8", 200},
		{"parley.js", "text/javascript; charset=utf-8", 200},
		{"chat.css", "text/css; charset=utf-8", 200},
		{"stats", "application/json; charset=utf-8", 200},
		{"login", "text/plain; charset=utf-8", 401},
		{"rooms/lobby", "text/plain; charset=utf-8", 401},
		{"nothing", "text/plain", 404},
	} {
		t.Run("/"+test.path, func(t *testing.T) {
			response, err := http.Get(home + test.path)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != test.status || response.Header.Get("Content-Type") != test.contentType {
				t.Errorf("got %d %v", response.StatusCode, response.Header)
			}
		})
	}
}
