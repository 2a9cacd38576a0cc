package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestMistakesOfWiring: what can be seen when a Server is made panics, and says what
// is wrong.
func TestMistakesOfWiring(t *testing.T) {
	app := parley.LifespanHooks{}
	for _, test := range []struct {
		mistake string
		do      func()
		words   []string
	}{
		{"no app", func() { New(nil, quiet()) }, []string{"server: New", "nil app"}},
		{"no function", func() { New(parley.AppFunc(nil), quiet()) }, []string{"server: New", "nil app"}},
		{"negative delay", func() { New(app, Options{ReadyDelay: -1}) }, []string{"Options.ReadyDelay",
			"negative"}},
		{"negative header", func() { New(app, Options{Listeners: []Listener{{MaxHeader: -1}}}) },
			[]string{"Listener.MaxHeader", "negative"}},
		{"health without a slash", func() { New(app, Options{HealthPath: "healthz"}) },
			[]string{"Options.HealthPath", `"healthz"`, "slash"}},
		{"readiness without a slash", func() { New(app, Options{ReadyPath: "ready"}) },
			[]string{"Options.ReadyPath", `"ready"`, "slash"}},
		{"one path for both", func() { New(app, Options{HealthPath: "/up", ReadyPath: "/up"}) },
			[]string{"Options.ReadyPath", `"/up"`, "HealthPath"}},
		{"wrong gateway", func() {
			New(app, Options{Gateway: nethttp.Options{Origins: []string{"*.example.com"}}})
		},
			[]string{"Options.Origins", `write ".example.com"`}},
	} {
		t.Run(test.mistake, func(t *testing.T) {
			defer func() {
				text := fmt.Sprint(recover())
				for _, word := range test.words {
					if !strings.Contains(text, word) {
						t.Errorf("%q does not say %q", text, word)
					}
				}
			}()
			test.do()
		})
	}
}

// TestMistakesOfStart: what is wrong with the machine is an error of Start, which
// leaves nothing behind.
func TestMistakesOfStart(t *testing.T) {
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	secure := func(config TLS) Options {
		return Options{Listeners: []Listener{{Addr: "127.0.0.1:0", TLS: &config}}}
	}
	for _, test := range []struct {
		mistake string
		options Options
		words   string
	}{
		{"TLS of nothing", secure(TLS{}), "set CertFile and KeyFile, or Config"},
		{"key without a certificate", secure(TLS{KeyFile: empty}), "belong together"},
		{"empty certificate", secure(TLS{CertFile: empty, KeyFile: empty}), "PEM"},
		{"no authorities", secure(TLS{ClientCAs: folder + "/none"}), "client authorities: open"},
		{"empty authorities", secure(TLS{ClientCAs: empty}), "no certificate in " + empty},
		{"a file in a socket's place", Options{Addr: "unix:" + empty}, "there is a file, not a socket"},
		{"no such folder", Options{Addr: "unix:" + folder + "/none/s"}, "no such file"},
		{"below a file", Options{Addr: "unix:" + empty + "/s"}, "not a directory"},
		{"no such scheme", Options{Addr: "tcp:80:80"}, "tcp:80:80"},
	} {
		t.Run(test.mistake, func(t *testing.T) {
			test.options.Logger = slog.New(slog.DiscardHandler)
			s := New(parley.LifespanHooks{}, test.options)
			err := s.Start(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("start: %v, want %q", err, test.words)
			}
			if err := s.Start(t.Context()); err != errNotFresh {
				t.Errorf("started again: %v", err)
			}
			if _, err := s.Drain(t.Context()); err != nil {
				t.Errorf("there is nothing to drain, and yet %v", err)
			}
		})
	}
}

// TestMistakesOfOrder: methods that come too early or too late.
func TestMistakesOfOrder(t *testing.T) {
	s := New(parley.LifespanHooks{}, quiet())
	if _, err := s.Drain(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "was not started") {
		t.Errorf("drain before start: %v", err)
	}
	if s.Addr() != nil {
		t.Errorf("the address before start: %v", s.Addr())
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Stop(t.Context()); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
}

// TestOwnParts: a program may bring a listener, a certificate and changes of its own.
func TestOwnParts(t *testing.T) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a, folder := newAuthority(t), t.TempDir()
	a.write(t, folder, "own")
	pair, err := tls.LoadX509KeyPair(folder+"/cert.pem", folder+"/key.pem")
	if err != nil {
		t.Fatal(err)
	}
	own := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}
	serving := make(chan net.Addr, 1)
	options := quiet()
	options.Listeners = []Listener{{Socket: socket, TLS: &TLS{Config: own}}}
	options.Serving = func(addr net.Addr) { serving <- addr }
	configured := 0
	options.Configure = func(*http.Server) { configured++ }
	s := New(parley.LifespanHooks{}, options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if addr := <-serving; addr != socket.Addr() || configured != 1 {
		t.Errorf("serves at %v, %d configured", addr, configured)
	}
	conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	if version := conn.ConnectionState().Version; version != tls.VersionTLS13 {
		t.Errorf("TLS %x", version)
	}
	conn.Close()
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := net.DialTimeout("tcp", socket.Addr().String(), time.Second); err == nil {
		t.Error("the program's listener was left open")
	}
}
