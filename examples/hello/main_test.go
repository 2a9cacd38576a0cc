package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/leak"
	"github.com/parleygo/parley/parleytest"
)

func TestMain(m *testing.M) {
	if os.Getenv("HELLO_TEST_MAIN") != "" {
		main()
		return
	}
	leak.Main(m)
}

func TestRequests(t *testing.T) {
	url := start(t)
	for _, test := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "", 200, "hello from net/http\n"},
		{"GET", "you", 200, "hello you\n"},
		{"GET", "%E4%B8%96%E7%95%8C", 200, "hello 世界\n"},
		{"HEAD", "you", 200, ""},
		{"GET", "you/two", 404, "404 page not found\n"},
		{"POST", "you", 405, "Method Not Allowed\n"},
	} {
		t.Run(test.method+" /"+test.path, func(t *testing.T) {
			request, err := http.NewRequest(test.method, url+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if response.StatusCode != test.status || string(body) != test.body || err != nil {
				t.Errorf("got %d %q %v, want %d %q", response.StatusCode, body, err, test.status, test.body)
			}
		})
	}
}

// TestApp: an app is tested without a network.
func TestApp(t *testing.T) {
	r := httptest.NewRequest("GET", "/you", nil)
	r.SetPathValue("name", "you")
	response := parleytest.Do(t, parley.AppFunc(hello), r)
	if response.Status != http.StatusOK || response.Body != "hello you\n" {
		t.Errorf("got %d %q", response.Status, response.Body)
	}
	denial := parleytest.Dial(t, parley.AppFunc(hello), r).Denial()
	if denial.Status != http.StatusNotFound {
		t.Errorf("a socket is answered %d", denial.Status)
	}
}

// failing refuses all events from one on, as for a client that has gone.
type failing struct {
	parley.Conn
	sends int // how many pass
}

func (c *failing) Send(context.Context, parley.Event) error {
	if c.sends--; c.sends < 0 {
		return parley.ErrDisconnected
	}
	return nil
}

func TestClientHasGone(t *testing.T) {
	scope := &parley.Scope{Protocol: parley.HTTP, Request: httptest.NewRequest("GET", "/you", nil)}
	for sends := range 3 {
		conn := &failing{sends: sends}
		if err := hello(t.Context(), scope, conn); !errors.Is(err, parley.ErrDisconnected) || conn.sends != -1 {
			t.Errorf("after %d events: %v, and went on for %d", sends, err, -1-conn.sends)
		}
	}
}

func TestAddressInUse(t *testing.T) {
	taken := strings.Trim(strings.TrimPrefix(start(t), "http://"), "/")
	if err := run(t.Context(), []string{"-addr", taken}, io.Discard); err == nil {
		t.Error("listened on an address that is taken")
	}
}

// TestSignals runs the program as a process of its own.
func TestSignals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be sent a signal on windows")
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			program := exec.CommandContext(t.Context(), os.Args[0], "-addr", "127.0.0.1:0")
			program.Env = append(os.Environ(), "HELLO_TEST_MAIN=1", "GORACE=atexit_sleep_ms=0")
			stdout, err := program.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := program.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if !strings.HasPrefix(line, "hello: http://127.0.0.1:") || err != nil {
				t.Errorf("printed %q, %v", line, err)
			}
			if err := program.Process.Signal(signal); err != nil {
				t.Error(err)
			}
			if err := program.Wait(); err != nil {
				t.Errorf("ended with %v", err)
			}
		})
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
