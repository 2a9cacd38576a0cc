package servicetest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// NATS is a nats-server with JetStream on a free port of the loopback. Process.Kill and
// Restart have it fail and come back at the same address, with what it had in files.
type NATS struct {
	*Process
	Addr string // 127.0.0.1:port
	URL  string // nats://127.0.0.1:port
}

// StartNATS starts a nats-server that keeps its files in a folder of the test, and ends
// with it. The lines are added to its configuration.
func StartNATS(t testing.TB, lines ...string) *NATS {
	t.Helper()
	path := Program(t, "nats-server", "/usr/sbin/nats-server")
	for range 5 { // somebody may be faster
		n := &NATS{Addr: net.JoinHostPort("127.0.0.1", FreePort(t))}
		n.URL = "nats://" + n.Addr
		config := WriteFile(t, "nats.conf", append([]string{
			"listen: " + n.Addr,
			"max_payload: 2MB", // a message of 1 MiB and what is around it
			"jetstream { store_dir: '" + t.TempDir() + "' }",
		}, lines...)...)
		n.Process = Start(t, path, "-c", config)
		err := n.await(n.Ping)
		if err == nil {
			return n
		}
		if !errors.Is(err, errEnded) || !strings.Contains(n.Output(), "in use") {
			t.Fatalf("nats-server: %v\n%s", err, n.Output())
		}
	}
	t.Fatal("no free port")
	return nil
}

// Restart starts a server that was killed, and waits until it answers.
func (n *NATS) Restart() {
	n.t.Helper()
	n.Start()
	n.Await(n.Ping)
}

// Ping returns nil if the server answers.
func (n *NATS) Ping() error {
	conn, err := net.DialTimeout("tcp", n.Addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "INFO ") {
		err = fmt.Errorf("nats answers %q", line)
	}
	return err
}
