package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parleygo/parley/internal/servicetest"
)

// program finds a program that a test runs.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil && os.Getenv("PARLEY_REQUIRE_SERVICES") != "" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
	return path
}

// nginx is the proxy, with deploy/nginx.conf.
type nginx struct {
	cmd *exec.Cmd
	url string
	log string // a file
}

func startNginx(t *testing.T, before *service) *nginx {
	t.Helper()
	binary := program(t, "nginx")
	folder, addr := t.TempDir(), "127.0.0.1:"+servicetest.FreePort(t)
	site, err := os.ReadFile("deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	_, behind, _ := strings.Cut(before.url, "//")
	here := strings.NewReplacer("listen 80;", "listen "+addr+";", "127.0.0.1:8080", behind).Replace(string(site))
	if strings.Count(here, addr) != 1 || strings.Count(here, behind) != 1 {
		t.Fatal("deploy/nginx.conf listens elsewhere")
	}
	n := &nginx{url: "http://" + addr, log: filepath.Join(folder, "error.log")}
	config := "daemon off;\nworker_processes 1;\npid " + folder + "/pid;\nerror_log " + n.log + " notice;\n"
	if os.Geteuid() == 0 {
		config += "user root;\n" // the folder is root's
	}
	config += "events {}\nhttp {\naccess_log off;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		config += kind + "_temp_path " + folder + "/" + kind + ";\n"
	}
	if err := os.WriteFile(folder+"/nginx.conf", []byte(config+here+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n.cmd = exec.Command(binary, "-p", folder, "-c", folder+"/nginx.conf", "-e", n.log)
	n.cmd.Stderr = os.Stderr
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.cmd.Process.Signal(syscall.SIGTERM)
		n.cmd.Wait()
	})
	await(t, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return n
}

// reload has nginx read its configuration again, and waits until it has. The old
// worker lives on for the clients it has.
func (n *nginx) reload(t *testing.T) {
	t.Helper()
	workers := n.workers(t)
	n.cmd.Process.Signal(syscall.SIGHUP)
	await(t, func() bool { return n.workers(t) > workers })
}

func (n *nginx) workers(t *testing.T) int {
	t.Helper()
	log, err := os.ReadFile(n.log)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(log), "start worker process ")
}

func TestBehindNginx(t *testing.T) {
	s := start(t, "TRUSTED_PROXIES=127.0.0.1")
	n := startNginx(t, s)
	ann := logIn(t, n.url, "ann")
	socket := ann.dial()
	stream := openStream(t, ann)
	say := func(text string) {
		t.Helper()
		ann.post("/news", "text/plain", text, http.StatusAccepted)
		want := "ann: " + text
		if got := read(t, socket); got != want {
			t.Errorf("the socket hears %q, want %q", got, want)
		}
		if got := <-stream; !strings.Contains(got, want) {
			t.Errorf("the stream hears %q, want %q", got, want)
		}
	}
	say("it rains")
	n.reload(t)
	say("it still rains")
	later := ann.dial()
	say("it snows")
	if got := read(t, later); got != "ann: it snows" {
		t.Errorf("after the reload a socket hears %q", got)
	}
	later.Close()
	for _, path := range []string{"/metrics", "/debug/parley/", "/readyz"} {
		if got := ann.get(t.Context(), path, nil).StatusCode; got != http.StatusNotFound {
			t.Errorf("the world is answered %d at %s", got, path)
		}
	}
	closed := awaitEnd(socket)
	s.stop(t)
	if err := <-closed; !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
		t.Errorf("the socket ended with %v", err)
	}
}

// openStream follows the news by server-sent events, and hands over each line of
// data as it comes.
func openStream(t *testing.T, u *user) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	answer := u.get(ctx, "/news", http.Header{"Accept": {"text/event-stream"}})
	if got := answer.Header.Get("Content-Type"); answer.StatusCode != 200 || got != "text/event-stream" {
		t.Fatalf("the stream is answered %s, %q", answer.Status, got)
	}
	heard := make(chan string, 16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if strings.Contains(lines.Text(), "ann: ") {
				heard <- lines.Text()
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return heard
}

// TestClientBehindNginx: what a client says of itself is not believed, and what nginx
// says is.
func TestClientBehindNginx(t *testing.T) {
	s := start(t, "TRUSTED_PROXIES=127.0.0.1")
	n := startNginx(t, s)
	for name, at := range map[string]string{"by nginx": n.url, "past it": s.url} {
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
		client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Forwarded-For", "203.0.113.9")
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if !strings.Contains(string(body), `"client":"127.0.0.2`) {
			t.Errorf("%s the client is %s", name, body)
		}
	}
	s.stop(t)
}

// TestStreamIsNotHeldBack: nginx does not wait for its buffer to fill.
func TestStreamIsNotHeldBack(t *testing.T) {
	s := start(t)
	n := startNginx(t, s)
	ann := logIn(t, n.url, "ann")
	stream := openStream(t, ann)
	for _, text := range []string{"one", "two", "three"} {
		ann.post("/news", "text/plain", text, http.StatusAccepted)
		select {
		case got := <-stream:
			if !strings.Contains(got, "ann: "+text) {
				t.Errorf("heard %q, want %q", got, text)
			}
		case <-time.After(patience):
			t.Fatalf("%q does not come", text)
		}
	}
	s.stop(t)
}
