package server

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

// TestTellsOfHTTP2: the log says whether WebSockets go over HTTP/2, where that can be
// asked at all.
func TestTellsOfHTTP2(t *testing.T) {
	secure := httptest.NewTLSServer(nil)
	secure.Close()
	withTLS := Listener{Addr: "127.0.0.1:0", TLS: &TLS{Config: secure.TLS}}
	for _, test := range []struct {
		name     string
		listener Listener
		debug    string
		want     string
	}{
		{"plain", Listener{Addr: "127.0.0.1:0"}, "", ""},
		{"TLS", withTLS, "", "HTTP/2 are off"},
		{"h2c", Listener{Addr: "127.0.0.1:0", H2C: true}, "http2debug=0", "HTTP/2 are off"},
		{"switched on", withTLS, "http2debug=0,http2xconnect=1", "HTTP/2 are on"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("GODEBUG", test.debug)
			var log strings.Builder
			s := New(parley.LifespanHooks{}, Options{
				Logger:    slog.New(slog.NewTextHandler(&log, nil)),
				Listeners: []Listener{test.listener},
			})
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			got := log.String()
			if !strings.Contains(got, test.want) || strings.Contains(got, "HTTP/2") != (test.want != "") {
				t.Errorf("the log is %q, want %q", got, test.want)
			}
		})
	}
}
