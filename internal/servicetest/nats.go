package servicetest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// NATS is a nats-server with JetStream on a free port of the loopback. Process.Kill and
// Restart have it fail and come back at the same address, with what it had in files.
type NATS struct {
	*Process
	Addr string // 127.0.0.1:port
	URL  string // nats://127.0.0.1:port

	store  string // where it keeps its files
	config string
	own    []string // lines of the configuration
}

// StartNATS starts a nats-server that keeps its files in a folder of the test, and ends
// with it. The lines are added to its configuration.
func StartNATS(t testing.TB, lines ...string) *NATS {
	t.Helper()
	path := Program(t, "nats-server", "/usr/sbin/nats-server")
	n := &NATS{store: t.TempDir()}
	onFreePort(t, "Server is ready", func(port string) (*Process, func() error) {
		n.Addr = net.JoinHostPort("127.0.0.1", port)
		n.URL = "nats://" + n.Addr
		n.own = []string{
			"listen: " + n.Addr,
			"max_payload: 2MB", // a message of 1 MiB and what is around it
			"jetstream { store_dir: '" + n.store + "' }",
		}
		n.config = WriteFile(t, "nats.conf", slices.Concat(n.own, lines)...)
		n.Process = Start(t, path, "-c", n.config)
		return n.Process, n.Ping
	})
	return n
}

// Wipe removes all that a server which was killed has kept.
func (n *NATS) Wipe() {
	n.t.Helper()
	if err := os.RemoveAll(filepath.Join(n.store, "jetstream")); err != nil {
		n.t.Fatal(err)
	}
}

// Reload has the server go on with other lines in its configuration.
func (n *NATS) Reload(lines ...string) {
	n.t.Helper()
	text := strings.Join(slices.Concat(n.own, lines), "\n")
	if err := os.WriteFile(n.config, []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
	const done = "Reloaded server configuration"
	before := strings.Count(n.Output(), done)
	n.Signal(syscall.SIGHUP)
	n.Await(func() error {
		if strings.Count(n.Output(), done) == before {
			return errors.New("not yet")
		}
		return nil
	})
}

// Ping returns nil if the server answers.
func (n *NATS) Ping() error {
	conn, err := net.DialTimeout("tcp", n.Addr, patience)
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
