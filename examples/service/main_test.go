package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parleygo/parley/internal/servicetest"
)

// TestMain is the service itself in the processes that tests start.
func TestMain(m *testing.M) {
	if os.Getenv("SERVICE_IN_A_TEST") != "" {
		if os.Getenv("LISTEN_FDS") != "" {
			os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid())) // as systemd does
		}
		main()
		return
	}
	os.Exit(m.Run())
}

// service is a process that runs main.
type service struct {
	cmd *exec.Cmd
	log bytes.Buffer
	url string
}

// start runs the service on a free port, with what else its environment says.
func start(t *testing.T, env ...string) *service {
	t.Helper()
	addr := "127.0.0.1:" + servicetest.FreePort(t)
	s := &service{url: "http://" + addr}
	s.run(t, append([]string{"LISTEN=" + addr}, env...))
	await(t, func() bool { return s.status("/readyz") == http.StatusOK })
	return s
}

func (s *service) run(t *testing.T, env []string, files ...*os.File) {
	t.Helper()
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env = append(append(os.Environ(), "SERVICE_IN_A_TEST=1"), env...)
	s.cmd.ExtraFiles = files
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill() })
}

// stop ends the service as an operator does.
func (s *service) stop(t *testing.T) {
	t.Helper()
	s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("the service ended with %v\n%s", err, s.log.String())
	}
}

func (s *service) status(path string) int {
	answer, err := http.Get(s.url + path)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

// patience is how long what must come may take on a machine that has much to do.
const patience = 2 * time.Minute

func await(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
	}
}

// user is a client with a login, of the service or of a proxy before it.
type user struct {
	t      *testing.T
	url    string
	client *http.Client
}

func logIn(t *testing.T, at, name string) *user {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u := &user{t, at, &http.Client{Jar: jar, Transport: new(http.Transport)}}
	t.Cleanup(u.client.CloseIdleConnections)
	u.post("/login", "application/x-www-form-urlencoded", "name="+name, http.StatusNoContent)
	return u
}

func (u *user) post(path, kind, body string, want int) {
	u.t.Helper()
	answer, err := u.client.Post(u.url+path, kind, strings.NewReader(body))
	if err != nil {
		u.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != want {
		u.t.Fatalf("POST %s: %s, want %d", path, answer.Status, want)
	}
}

// get returns an answer whose body is open.
func (u *user) get(ctx context.Context, path string, header http.Header) *http.Response {
	u.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.url+path, nil)
	if err != nil {
		u.t.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	answer, err := u.client.Do(request)
	if err != nil {
		u.t.Fatal(err)
	}
	u.t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func (u *user) dial() *websocket.Conn {
	u.t.Helper()
	at, err := url.Parse(u.url)
	if err != nil {
		u.t.Fatal(err)
	}
	dialer := &websocket.Dialer{Jar: u.client.Jar}
	conn, answer, err := dialer.Dial("ws://"+at.Host+"/news", http.Header{"Origin": {u.url}})
	if err != nil {
		u.t.Fatalf("dial: %v, %v", err, answer)
	}
	u.t.Cleanup(func() { conn.Close() })
	return conn
}

func read(t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(patience))
	_, message, err := conn.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return string(message)
}

// awaitEnd reads until the socket ends, and says why.
func awaitEnd(conn *websocket.Conn) <-chan error {
	ended := make(chan error, 1)
	go func() {
		defer conn.Close()
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				ended <- err
				return
			}
		}
	}()
	return ended
}

func TestService(t *testing.T) {
	s := start(t)
	if got := s.status("/news"); got != http.StatusUnauthorized {
		t.Errorf("a stranger is answered %d", got)
	}
	ann, bob := logIn(t, s.url, "ann"), logIn(t, s.url, "bob")
	listening := bob.dial()
	ann.post("/news", "text/plain", "it rains", http.StatusAccepted)
	if got := read(t, listening); got != "ann: it rains" {
		t.Errorf("bob hears %q", got)
	}
	body, _ := io.ReadAll(ann.get(t.Context(), "/me", nil).Body)
	if !strings.Contains(string(body), `"name":"ann"`) {
		t.Errorf("ann is told that she is %s", body)
	}
	metrics, _ := io.ReadAll(ann.get(t.Context(), "/metrics", nil).Body)
	for _, line := range []string{"parley_websockets_open{gateway=\"server\"} 1\n", "process_open_fds "} {
		if !strings.Contains(string(metrics), line) {
			t.Errorf("%q is not among the metrics", line)
		}
	}
	inspector := ann.get(t.Context(), "/debug/parley/", nil)
	if page, _ := io.ReadAll(inspector.Body); inspector.StatusCode != 200 || !strings.Contains(string(page), "<html") {
		t.Errorf("the inspector is answered %s %.100s", inspector.Status, page)
	}
	ctx, cancel := context.WithCancel(t.Context())
	events := ann.get(ctx, "/debug/parley/events", nil)
	if line, err := bufio.NewReader(events.Body).ReadString('\n'); events.StatusCode != 200 || line == "" {
		t.Errorf("the inspector streams %s %q, %v", events.Status, line, err)
	}
	cancel()
	closed := awaitEnd(listening)
	s.stop(t)
	if err := <-closed; !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
		t.Errorf("bob's socket ended with %v", err)
	}
}

// TestMainIsWhatTheReadmeShows, and fits on a screen.
func TestMainIsWhatTheReadmeShows(t *testing.T) {
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	body := text[strings.Index(text, "func main() {"):]
	if !strings.Contains(string(readme), "```go\n"+body+"```\n") {
		t.Error("the README shows another main")
	}
	if lines := strings.Count(body, "\n"); lines >= 40 {
		t.Errorf("main has %d lines", lines)
	}
}
