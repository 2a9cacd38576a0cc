package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
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
		{"no such descriptor", fine, Options{Addr: "fd:999"}, "fd:999"},
		{"no descriptor", fine, Options{Addr: "fd:x"}, "not a number"},
		{"no systemd", fine, Options{Addr: "systemd:web"}, "systemd has opened no such socket"},
		{"no certificate", fine, Options{Listeners: []Listener{{Addr: "127.0.0.1:0", TLS: &TLS{CertFile: folder + "/no"}}}}, "no such file"},
		{"second listener", fine, Options{Listeners: []Listener{{Addr: "127.0.0.1:0"}, {Addr: taken.Addr().String()}}}, "already in use"},
		{"app", fails(errors.New("no database")), quiet(), "no database"},
		{"app panics", parley.LifespanHooks{Startup: func(context.Context) error { panic("boom") }}, quiet(), "boom"},
		{"app does not answer", parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error { return nil }), quiet(),
			parley.ErrNotAnswered.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
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
		})
	}
	if lines := d.read(); len(lines) > 0 {
		t.Errorf("the app was started before the sockets were open: %q", lines)
	}
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
