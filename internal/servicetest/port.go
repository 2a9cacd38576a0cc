package servicetest

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"
)

// Ports of tests are those that no system hands out, unless it is told to, be it to a client
// or to who listens on port 0: a server that was killed finds its own again. Nor are those
// that a Redis of a cluster listens on as well, 10000 higher.
const (
	firstPort = 11_000
	lastPort  = 21_000
)

// FreePort returns a port of the loopback that nobody has, and that no other test is given
// before this one ends.
func FreePort(t testing.TB) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(firstPort + rand.IntN(lastPort-firstPort))
		address := net.JoinHostPort("127.0.0.1", port)
		claim, err := net.ListenPacket("udp", address) // no server of tests does, and all see it
		if err != nil {
			continue
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			_ = claim.Close()
			continue
		}
		_ = listener.Close()
		t.Cleanup(func() { _ = claim.Close() })
		return port
	}
	t.Fatal("no free port")
	return ""
}

// onFreePort starts a server and waits until it says that it is ready, and answers. Where
// somebody was faster it is tried with another port: that one may answer as well.
func onFreePort(
	t testing.TB, ready string, start func(port string) (p *Process, ping func() error),
) {
	t.Helper()
	for range 5 {
		p, ping := start(FreePort(t))
		p.ping = func() error {
			if !strings.Contains(p.Output(), ready) {
				return errors.New("it is not ready")
			}
			return ping()
		}
		err := p.await(p.ping)
		if err == nil {
			return
		}
		if !errors.Is(err, errEnded) || !strings.Contains(p.Output(), "in use") {
			t.Fatalf("%s: %v\n%s", p.path, err, p.Output())
		}
	}
	t.Fatal("no free port")
}
