//go:build linux

package server

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
)

// TestChild is no test: it is the process that TestInherited starts.
func TestChild(t *testing.T) {
	addr := os.Getenv("PARLEY_TEST_CHILD")
	if addr == "" {
		t.Skip("not a child of TestInherited")
	}
	if strings.HasPrefix(addr, "systemd") {
		t.Setenv("LISTEN_PID", pid())
	}
	hello := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return parley.Answer(ctx, scope, conn, 200, nil, []byte("from the child"))
	})
	var options Options
	for _, one := range strings.Fields(addr) {
		options.Listeners = append(options.Listeners, Listener{Addr: one})
	}
	if err := Run(t.Context(), hello, options); err != nil {
		t.Error(err)
	}
}

// TestLogWithoutReader: whoever reads the log of a service may go before it.
func TestLogWithoutReader(t *testing.T) {
	socket, manager := handDown(t), listenNotify(t)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	child := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.count=1")
	child.Env = append(os.Environ(), "PARLEY_TEST_CHILD=fd:3", "NOTIFY_SOCKET="+manager.LocalAddr().String())
	child.ExtraFiles = []*os.File{socket.file}
	child.Stderr = writer // where slog's default goes
	err = child.Start()
	writer.Close()
	if err != nil {
		t.Fatal(err)
	}
	expectState(t, manager, "READY=1")
	socket.file.Close()
	if got := get(t, serverAt(t, socket.addr), "/"); got != "200 from the child" {
		t.Errorf("the answer is %q", got)
	}
	child.Process.Signal(os.Interrupt)
	expectState(t, manager, "STOPPING=1")
	if err := child.Wait(); err != nil {
		t.Errorf("the child ended with %v", err)
	}
}

func TestInherited(t *testing.T) {
	for name, env := range map[string][]string{
		"fd:4 fd:3":                 nil,
		"systemd":                   {"LISTEN_FDS=2"},
		"systemd:web":               {"LISTEN_FDS=2", "LISTEN_FDNAMES=web:web"},
		"systemd:admin systemd:web": {"LISTEN_FDS=2", "LISTEN_FDNAMES=web:admin"},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := handDown(t), handDown(t)
			manager := listenNotify(t)
			child := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.count=1")
			child.Env = append(os.Environ(), append(env, "PARLEY_TEST_CHILD="+name, "NOTIFY_SOCKET="+manager.LocalAddr().String())...)
			child.ExtraFiles = []*os.File{first.file, second.file}
			output := new(strings.Builder)
			child.Stdout, child.Stderr = output, output
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			expectState(t, manager, "READY=1")
			for _, socket := range []handedDown{first, second} {
				socket.file.Close()
				if got := get(t, serverAt(t, socket.addr), "/"); got != "200 from the child" {
					t.Errorf("the answer is %q", got)
				}
			}
			child.Process.Signal(os.Interrupt)
			expectState(t, manager, "STOPPING=1")
			if err := child.Wait(); err != nil {
				t.Errorf("the child ended with %v\n%s", err, output)
			}
		})
	}
}

// handedDown is a socket for a child.
type handedDown struct {
	file *os.File
	addr string
}

func handDown(t *testing.T) handedDown {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return handedDown{file, listener.Addr().String()}
}

// listenNotify stands for the service manager.
func listenNotify(t *testing.T) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: t.TempDir() + "/n", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func expectState(t *testing.T, manager *net.UnixConn, want string) {
	t.Helper()
	if got := nextState(t, manager); got != want {
		t.Errorf("systemd was told %q, want %q", got, want)
	}
}

func nextState(t *testing.T, manager *net.UnixConn) string {
	t.Helper()
	message := make([]byte, 100)
	manager.SetReadDeadline(time.Now().Add(30 * time.Second))
	n, err := manager.Read(message)
	if err != nil {
		t.Fatal(err)
	}
	return string(message[:n])
}

func pid() string {
	link, _ := os.Readlink("/proc/self")
	return link
}

// TestHandOver has a second server take over a port while the first drains.
func TestHandOver(t *testing.T) {
	first := New(parley.LifespanHooks{}, Options{
		Logger:    slog.New(slog.DiscardHandler),
		Listeners: []Listener{{Addr: "127.0.0.1:0", ReusePort: true}},
	})
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := New(parley.LifespanHooks{}, Options{
		Logger:    slog.New(slog.DiscardHandler),
		Listeners: []Listener{{Addr: first.Addr().String(), ReusePort: true}},
	})
	if err := second.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	for range 20 {
		if got := get(t, second, "/"); !strings.HasPrefix(got, "404") {
			t.Fatalf("the answer is %q", got)
		}
	}
	if err := second.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
