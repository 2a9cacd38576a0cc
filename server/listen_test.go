package server

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/parleygo/parley"
)

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.sock")
	stale, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	stale.Close() // as a process leaves it behind that was killed
	options := quiet()
	options.Listeners = []Listener{{Addr: "unix:" + path, Mode: 0o600}}
	s := New(parley.LifespanHooks{}, options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket's file: %v, %v", info, err)
	}
	if err := New(parley.LifespanHooks{}, options).Start(t.Context()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second server: %v", err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is left behind: %v", err)
	}
}

func TestMaxConns(t *testing.T) {
	for _, test := range []struct {
		name   string
		refuse bool
		want   string
	}{{"refuse", true, "HTTP/1.1 503"}, {"wait", false, "HTTP/1.1 404"}} {
		t.Run(test.name, func(t *testing.T) {
			options := quiet()
			options.Listeners = []Listener{{Addr: "127.0.0.1:0", MaxConns: 1, Refuse: test.refuse}}
			s := New(parley.LifespanHooks{}, options)
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			first := connect(t, s)
			if got := request(t, first); !strings.HasPrefix(got, "HTTP/1.1 404") {
				t.Errorf("the first is answered %q", got)
			}
			second := connect(t, s)
			if !test.refuse {
				first.Close() // makes room
			}
			if got := request(t, second); !strings.HasPrefix(got, test.want) {
				t.Errorf("the second is answered %q, want %q", got, test.want)
			}
			stats := s.Stats()
			if refused := stats.Refused == 1; refused != test.refuse || stats.AcceptErrors != 0 {
				t.Errorf("counted: %+v", stats)
			}
			first.Close()
			second.Close()
			if err := s.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStopWhileFull: a server with no room for another connection stops as any.
func TestStopWhileFull(t *testing.T) {
	options := quiet()
	options.Listeners = []Listener{{Addr: "127.0.0.1:0", MaxConns: 1}}
	s := New(parley.LifespanHooks{}, options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	request(t, connect(t, s))
	connect(t, s) // waits for room
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestSocketThatFails ends Run, in order, with the socket's error.
func TestSocketThatFails(t *testing.T) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var d diary
	options := quiet()
	options.Listeners = []Listener{{Socket: socket}}
	options.Serving = func(net.Addr) { socket.Close() }
	if err := Run(t.Context(), d.hooks("app"), options); !errors.Is(err, net.ErrClosed) {
		t.Errorf("run: %v", err)
	}
	if got, want := d.read(), []string{"app starts", "app stops"}; !slices.Equal(got, want) {
		t.Errorf("the app saw %q, want %q", got, want)
	}
	options.Listeners = []Listener{{Addr: "fd:x"}}
	if err := Run(t.Context(), d.hooks("app"), options); err == nil {
		t.Error("a socket that cannot be opened is no error")
	}
}

func connect(t *testing.T, s *Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func request(t *testing.T, conn net.Conn) string {
	t.Helper()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	answer := make([]byte, 100)
	n, err := conn.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer[:n])
}

func TestUnixSocketWithoutFile(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("names without a file are Linux's")
	}
	name := "@parley-" + strings.ReplaceAll(t.TempDir(), "/", "-")
	options := quiet()
	options.Addr = "unix:" + name
	s := New(parley.LifespanHooks{}, options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	if got := request(t, conn); !strings.HasPrefix(got, "HTTP/1.1 404") {
		t.Errorf("answered %q", got)
	}
	conn.Close()
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
