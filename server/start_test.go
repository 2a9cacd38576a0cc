package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

func TestStartThatFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	folder := t.TempDir()
	alive, err := net.Listen("unix", folder+"/alive")
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	half := "-----BEGIN CERTIFICATE-----\nMIIB" // as while it is being written
	if err := os.WriteFile(folder+"/half.pem", []byte(half), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(folder+"/nothing", folder+"/link"); err != nil {
		t.Fatal(err)
	}
	fails := func(err error) parley.App {
		return parley.LifespanHooks{Startup: func(context.Context) error { return err }}
	}
	var d diary
	fine := d.hooks("app")
	for _, test := range []struct {
		name    string
		app     parley.App
		options Options
		want    string
	}{
		{"port in use", fine, Options{Addr: taken.Addr().String()}, "address already in use"},
		{"no such port", fine, Options{Addr: "127.0.0.1:99999"}, "invalid port"},
		{"path is a directory", fine, Options{Addr: "unix:" + folder}, "there is a directory, not a socket"},
		{"path is a file", fine, Options{Addr: "unix:" + folder + "/half.pem"}, "there is a file, not a socket"},
		{"path is a link", fine, Options{Addr: "unix:" + folder + "/link"}, "there is a symbolic link, not a socket"},
		{"path is alive", fine, Options{Addr: "unix:" + folder + "/alive"}, "address already in use"},
		{"path below nothing", fine, Options{Addr: "unix:" + folder + "/none/s"}, "no such file or directory"},
		{"path is too long", fine, Options{Addr: "unix:" + folder + "/" + strings.Repeat("x", 108)}, "too long"},
		{"no path", fine, Options{Addr: "unix:"}, "no path"},
		{"no such descriptor", fine, Options{Addr: "fd:999"}, "fd:999"},
		{"no descriptor", fine, Options{Addr: "fd:x"}, "not a number"},
		{"no systemd", fine, Options{Addr: "systemd:web"}, "systemd has opened no such socket"},
		{"no certificate", fine, Options{Listeners: []Listener{{Addr: "127.0.0.1:0", TLS: &TLS{CertFile: folder + "/no", KeyFile: folder + "/no"}}}}, "no such file"},
		{"half a certificate", fine, Options{Listeners: []Listener{{Addr: "127.0.0.1:0",
			TLS: &TLS{CertFile: folder + "/half.pem", KeyFile: folder + "/half.pem"}}}}, "half.pem"},
		{"no key", fine, Options{Listeners: []Listener{{Addr: "127.0.0.1:0", TLS: &TLS{CertFile: folder + "/half.pem"}}}}, "KeyFile"},
		{"half the authorities", fine, Options{Listeners: []Listener{{Addr: "127.0.0.1:0",
			TLS: &TLS{ClientCAs: folder + "/half.pem"}}}}, "half.pem"},
		{"second listener", fine, Options{Listeners: []Listener{{Addr: "127.0.0.1:0"}, {Addr: taken.Addr().String()}}}, "already in use"},
		{"listener after a unix socket", fine, Options{Listeners: []Listener{{Addr: "unix:" + folder + "/first"}, {Addr: taken.Addr().String()}}},
			"already in use"},
		{"shared port that another has alone", fine, Options{Listeners: []Listener{{Addr: taken.Addr().String(), ReusePort: true}}}, "already in use"},
		{"app, beside a unix socket", fails(errors.New("no database")), Options{Addr: "unix:" + folder + "/first"}, "no database"},
		{"app, on a shared port", fails(errors.New("no database")),
			Options{Listeners: []Listener{{Addr: "127.0.0.1:0", ReusePort: true}}}, "no database"},
		{"app", fails(errors.New("no database")), quiet(), "no database"},
		{"app panics", parley.LifespanHooks{Startup: func(context.Context) error { panic("boom") }}, quiet(), "boom"},
		{"app does not answer", parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error { return nil }), quiet(),
			parley.ErrNotAnswered.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := descriptors(t)
			test.options.Logger = slog.New(slog.DiscardHandler)
			s := New(test.app, test.options)
			err := s.Start(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("start: %v, want %q", err, test.want)
			}
			if addr := s.Addr(); addr != nil {
				if conn, err := net.Dial("tcp", addr.String()); err == nil {
					conn.Close()
					t.Error("a socket was left behind")
				}
			}
			await(t, func() bool { return descriptors(t) <= before }) // others may still close theirs
			if _, err := os.Lstat(folder + "/first"); err == nil {
				t.Error("a socket's file was left behind")
			}
		})
	}
	if lines := d.read(); len(lines) > 0 {
		t.Errorf("the app was started before the sockets were open: %q", lines)
	}
}

// descriptors is how many the process has open, where that can be seen.
func descriptors(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestNoPartInTheLifeOfTheProcess(t *testing.T) {
	app := parley.WebSocketFunc(func(context.Context, *parley.Socket) error { return nil })
	s := New(app, quiet())
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
