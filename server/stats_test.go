package server

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/internal/drain"
	"github.com/parleygo/parley/router"
)

// until waits for what the server's goroutines do sooner or later.
func until(t *testing.T, s *Server, is func(Stats) bool) Stats {
	t.Helper()
	var stats Stats
	defer func() {
		if t.Failed() {
			t.Logf("%+v", stats)
		}
	}()
	await(t, func() bool {
		stats = s.Stats()
		return is(stats)
	})
	return stats
}

// TestStats: what gateways further down have counted is in the server's, once.
func TestStats(t *testing.T) {
	var d diary
	routes := new(router.URLs)
	routes.Handle("/", follow(&d))
	routes.Handle("/mounted", nethttp.App(nethttp.Handler(parley.AppFunc(sayHello), nethttp.Options{Logger: quiet().Logger})))
	routes.Handle("/sessions", fallback.New(follow(&d), fallback.Options{}))
	s := New(routes, quiet())
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stats := s.Stats(); !stats.Ready || stats.Connections != 0 {
		t.Errorf("at first: %+v", stats)
	}
	if got := get(t, s, "/mounted"); got != "200 hello" {
		t.Errorf("the answer is %q", got)
	}
	conn := dial(t, s)
	if err := conn.WriteMessage(1, []byte("bye")); err != nil {
		t.Fatal(err)
	}
	conn.ReadMessage()
	conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream := open(ctx, t, s, "/sessions")
	defer stream.Close()
	stats := until(t, s, func(stats Stats) bool {
		return stats.Gateways.WebSockets == 0 && stats.Gateways.Served == 1
	})
	g := stats.Gateways
	if g.Accepted != 1 || g.MessagesIn != 1 || g.BytesIn != 3 || g.Requests != 1 {
		t.Errorf("gateways: %+v", g)
	}
	if stats.Sessions != 1 || stats.SessionsOpened != 1 {
		t.Errorf("sessions: %+v", stats)
	}
	if stats.Accepted != 3 || stats.Connections < 1 {
		t.Errorf("connections: %+v", stats)
	}
	cancel()
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	until(t, s, func(stats Stats) bool { return stats.Connections == 0 && !stats.Ready })
}

func sayHello(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
	return parley.Respond(ctx, conn, 200, nil, []byte("hello"))
}

// open begins a session without a socket, and returns its stream.
func open(ctx context.Context, t *testing.T, s *Server, path string) io.Closer {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, "GET", "http://"+s.Addr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Body
}

func TestStatsOfTLS(t *testing.T) {
	authority := newAuthority(t)
	key := newKey(t)
	cert := authority.sign(t, "server", key, authority.cert)
	options := quiet()
	options.Listeners = []Listener{{Addr: "127.0.0.1:0", TLS: &TLS{Config: &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}},
	}}}}
	s := New(parley.LifespanHooks{}, options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, s)
	io.WriteString(conn, "no TLS at all, but long enough for a header\r\n\r\n")
	until(t, s, func(stats Stats) bool { return stats.TLSErrors == 1 })
	conn.Close()
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestStatsOfAccept: what fails counts, and not what the server has ended itself.
func TestStatsOfAccept(t *testing.T) {
	for err, want := range map[error]uint64{
		syscall.ECONNABORTED: 1, net.ErrClosed: 0, os.ErrDeadlineExceeded: 0, nil: 0,
	} {
		d := &door{conns: new(connections)}
		d.count(err)
		if got := d.conns.failed.Load(); got != want {
			t.Errorf("%v counts %d, want %d", err, got, want)
		}
	}
}

// TestStatsOfSessions: every figure that a member has is in the sum.
func TestStatsOfSessions(t *testing.T) {
	var s Stats
	for range 2 {
		s.addSessions(drain.Sessions{
			Live: 1, Opened: 2, Refused: 3, Lost: 4, Slow: 5, Panics: 6, Leaked: 7, In: 8, Out: 9,
		})
	}
	want := Stats{
		Sessions: 2, SessionsOpened: 4, SessionsRefused: 6, SessionsLost: 8, SessionsSlow: 10,
		SessionsPanics: 12, Leaked: 14, SessionsIn: 16, SessionsOut: 18,
	}
	if s != want {
		t.Errorf("%+v", s)
	}
}
