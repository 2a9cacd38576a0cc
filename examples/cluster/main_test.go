package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parleygo/parley/internal/leak"
	"github.com/parleygo/parley/internal/servicetest"
)

// The test's program is the example's where it is started as such, by a test or by the
// example itself.
func TestMain(m *testing.M) {
	if os.Getenv("CLUSTER_TEST_MAIN") != "" {
		main()
		return
	}
	_ = os.Setenv("CLUSTER_TEST_MAIN", "1") // for those that are started
	// In the background of a shell it is ignored, and whoever is started would ignore it, too.
	if signal.Ignored(os.Interrupt) {
		signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	}
	leak.Main(m)
}

// TestLinesReachAllProcesses: what is typed at each process is read at each, in a cluster
// that needs nothing and over the brokers that are installed.
func TestLinesReachAllProcesses(t *testing.T) {
	for name, args := range map[string]func(t *testing.T) []string{
		"embedded": func(*testing.T) []string { return nil },
		"nats": func(t *testing.T) []string {
			return []string{"-url", servicetest.StartNATS(t).URL}
		},
		"redis": func(t *testing.T) []string {
			return []string{"-transport", "redis", "-url", "redis://" + servicetest.StartRedis(t).Addr}
		},
	} {
		t.Run(name, func(t *testing.T) {
			urls := start(t, 3, args(t)...)
			var guests []*websocket.Conn
			for _, url := range urls {
				guests = append(guests, dial(t, url))
			}
			for i, speaker := range guests {
				text := fmt.Sprint("hello from ", i)
				say := map[string]any{"type": "line", "id": 1, "text": text}
				if err := speaker.WriteJSON(say); err != nil {
					t.Fatal(err)
				}
				for j, guest := range guests {
					if got := read(t, guest); got.Text != text {
						t.Errorf("guest %d read %+v, want %q", j, got, text)
					}
				}
			}
			page(t, urls[0])
		})
	}
}

func TestMemory(t *testing.T) {
	if err := run(t.Context(), []string{"-transport", "memory"}, io.Discard); err == nil {
		t.Error("two processes share a memory")
	}
	if len(start(t, 1, "-transport", "memory")) != 1 {
		t.Error("one process does not start")
	}
}

// example starts the example. Its processes write to errs, too.
func example(t *testing.T, args ...string) (
	command *exec.Cmd, stdout io.Reader, errs *strings.Builder,
) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command, errs = exec.Command(program, args...), new(strings.Builder)
	command.Stderr = errs
	if stdout, err = command.StdoutPipe(); err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return command, stdout, errs
}

// start runs the example and returns where its processes listen. It is asked to end with
// the test, and must.
func start(t *testing.T, processes int, args ...string) (urls []string) {
	t.Helper()
	command, stdout, errs := example(t, append([]string{
		"-addr", "127.0.0.1:0", "-processes", fmt.Sprint(processes)}, args...)...)
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Errorf("%v\n%s", err, errs.String())
		}
	})
	urls = make([]string, processes)
	lines := bufio.NewScanner(stdout)
	for found := 0; found < processes; {
		if !lines.Scan() {
			t.Fatalf("only %q\n%s", urls, errs.String())
		}
		process, url, _ := strings.Cut(lines.Text(), ": ")
		if n, err := strconv.Atoi(strings.TrimPrefix(process, "process ")); err == nil {
			urls[n-1] = url // they come in any order
			found++
		}
	}
	return urls
}

func dial(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial(strings.Replace(url, "http", "ws", 1)+"chat?name=guest", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// read returns the next line, and overlooks answers and who is here.
func read(t *testing.T, guest *websocket.Conn) line {
	t.Helper()
	for {
		if err := guest.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Type string
			Data line
		}
		if err := guest.ReadJSON(&got); err != nil {
			t.Fatal(err)
		}
		if got.Type == "parley.message" {
			return got.Data
		}
	}
}

func page(t *testing.T, url string) {
	t.Helper()
	for _, path := range []string{"", "parley.js"} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), "Parley") {
			t.Errorf("/%s: %s, %v", path, response.Status, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
