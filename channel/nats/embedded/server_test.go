package embedded_test

import (
	"context"
	"log/slog"
	"math"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/parleygo/parley/channel/nats/embedded"
	"github.com/parleygo/parley/internal/servicetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var silent = slog.New(slog.DiscardHandler)

func start(t *testing.T, o embedded.Options) *embedded.Server {
	t.Helper()
	o.Logger = silent
	s, err := embedded.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return s
}

func TestOnlyInside(t *testing.T) {
	alone := start(t, embedded.Options{})
	if alone.URL() != "" || alone.ClusterAddr() != "" {
		t.Errorf("listens at %q and %q", alone.URL(), alone.ClusterAddr())
	}
	if err := alone.Joined(t.Context()); err != nil {
		t.Error(err)
	}
	var loopback string
	clustered := start(t, embedded.Options{ClusterListen: "127.0.0.1:0", Peers: []string{"127.0.0.1:1"},
		Configure: func(o *server.Options) { o.Port = freePort(t, &loopback) }})
	if clustered.URL() != "" || clustered.ClusterAddr() == "" {
		t.Errorf("listens at %q and %q", clustered.URL(), clustered.ClusterAddr())
	}
	if conn, err := natsgo.Connect("nats://" + loopback); err == nil {
		conn.Close()
		t.Error("a stranger is in")
	}
	for _, s := range []*embedded.Server{alone, clustered} {
		conn, err := natsgo.Connect("", natsgo.InProcessServer(s))
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
}

func freePort(t *testing.T, addr *string) int {
	*addr = "127.0.0.1:" + servicetest.FreePort(t)
	tcp, err := net.ResolveTCPAddr("tcp", *addr)
	if err != nil {
		t.Fatal(err)
	}
	return tcp.Port
}

func TestListens(t *testing.T) {
	s := start(t, embedded.Options{Listen: "127.0.0.1:0"})
	conn, err := natsgo.Connect(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestSecret(t *testing.T) {
	addrs := []string{"127.0.0.1:" + servicetest.FreePort(t), "127.0.0.1:" + servicetest.FreePort(t)}
	var members []*embedded.Server
	for _, addr := range addrs {
		members = append(members, start(t, embedded.Options{ClusterListen: addr, Peers: addrs, Secret: "s"}))
	}
	for _, member := range members {
		if err := member.Joined(t.Context()); err != nil {
			t.Error(err)
		}
	}
	stranger := start(t, embedded.Options{Name: "stranger", ClusterListen: "127.0.0.1:0",
		Peers: addrs, Secret: "wrong"})
	over, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := stranger.Joined(over); err == nil {
		t.Error("joined with a wrong secret")
	}
}

func TestDir(t *testing.T) {
	dir := t.TempDir()
	s := start(t, embedded.Options{Dir: dir})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("a folder that is not its own is gone: %v", err)
	}
}

func TestMistakes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, o := range map[string]embedded.Options{
		"no port":    {Listen: "127.0.0.1"},
		"odd port":   {ClusterListen: "127.0.0.1:x"},
		"odd peer":   {ClusterListen: "127.0.0.1:0", Peers: []string{"x"}},
		"alone":      {ClusterListen: "127.0.0.1:0"},
		"not there":  {Peers: []string{"127.0.0.1:1"}},
		"taken port": {ClusterListen: taken.Addr().String(), Peers: []string{"127.0.0.1:1"}},
		"taken":      {Listen: taken.Addr().String()},
	} {
		o.Logger = silent
		if s, err := embedded.New(o); err == nil {
			s.Close()
			t.Errorf("%s: no error", name)
		} else if !strings.HasPrefix(err.Error(), "nats: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A number that nats-server has no room for is not taken for another.
func TestTooLargePayload(t *testing.T) {
	s, err := embedded.New(embedded.Options{MaxPayload: math.MaxInt})
	if err == nil {
		_ = s.Close()
		t.Error("it starts")
	}
}

// TestPeersStartLater: that a peer is not there yet is no error, and worth a warning later.
func TestPeersStartLater(t *testing.T) {
	lines := make(chan string, 1000)
	logger := slog.New(slog.NewTextHandler(heard(lines), &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := embedded.New(embedded.Options{ClusterListen: "127.0.0.1:0", Peers: []string{"127.0.0.1:1"},
		Logger: logger, Configure: func(o *server.Options) { o.ConnectErrorReports = 2 }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for line := range lines {
		if !strings.Contains(line, "connect to route") {
			continue
		}
		later, want := strings.Contains(line, "(attempt 2)"), "level=DEBUG"
		if later {
			want = "level=WARN"
		}
		if !strings.Contains(line, want) {
			t.Errorf("not %s: %s", want, line)
		}
		if later {
			return
		}
	}
}

// heard is where a handler writes lines.
type heard chan string

func (h heard) Write(line []byte) (int, error) {
	select {
	case h <- string(line):
	default:
	}
	return len(line), nil
}
