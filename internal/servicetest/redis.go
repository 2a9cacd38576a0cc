package servicetest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// Redis is a redis-server on a free port of the loopback. Process.Kill and
// Process.Start have it fail and come back at the same address.
type Redis struct {
	*Process
	Addr string // 127.0.0.1:port
}

// StartRedis starts a redis-server that keeps nothing on disk and ends with the
// test. The arguments are added to its command line, such as "--requirepass", "x".
func StartRedis(t testing.TB, args ...string) *Redis {
	t.Helper()
	return startRedis(t, "Ready to accept connections",
		append([]string{"--save", "", "--appendonly", "no"}, args...))
}

// StartSentinel starts a sentinel with the lines of a configuration.
func StartSentinel(t testing.TB, lines ...string) *Redis {
	t.Helper()
	return startRedis(t, "Sentinel ID is",
		[]string{WriteFile(t, "sentinel.conf", lines...), "--sentinel"})
}

func startRedis(t testing.TB, ready string, args []string) *Redis {
	t.Helper()
	path := Program(t, "redis-server")
	r := new(Redis)
	onFreePort(t, ready, func(port string) (*Process, func() error) {
		r.Addr = net.JoinHostPort("127.0.0.1", port)
		r.Process = Start(t, path, slices.Concat(args, []string{
			"--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--logfile", ""})...)
		return r.Process, r.Ping
	})
	return r
}

// Ping returns nil if the server answers, be it that a password is missing.
func (r *Redis) Ping() error {
	answer, err := r.Command("PING")
	if err == nil || strings.HasPrefix(answer, "-NOAUTH") {
		return nil
	}
	return err
}

// Command sends one command, whose words hold no spaces, and returns the first line of
// the answer. An answer that is an error is returned with one.
func (r *Redis) Command(words ...string) (string, error) {
	conn, err := net.DialTimeout("tcp", r.Addr, patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, strings.Join(words, " ")+"\r\n"); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	line = strings.TrimSpace(line)
	if err == nil && strings.HasPrefix(line, "-") {
		err = fmt.Errorf("redis answers %s", line)
	}
	return line, err
}

// All sends a command and returns all of an answer that is a bulk string, or "" if it
// is none.
func (r *Redis) All(command string) string {
	conn, err := net.DialTimeout("tcp", r.Addr, patience)
	if err != nil {
		return ""
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return ""
	}
	if _, err := io.WriteString(conn, command+"\r\n"); err != nil {
		return ""
	}
	reader, length := bufio.NewReader(conn), 0
	if _, err := fmt.Fscanf(reader, "$%d\r\n", &length); err != nil {
		return ""
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(reader, text); err != nil {
		return ""
	}
	return string(text)
}

// Line returns the rest of the line that begins with a word in what a command answers.
func (r *Redis) Line(command, word string) string {
	for line := range strings.Lines(r.All(command)) {
		if rest, found := strings.CutPrefix(line, word); found {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// Must is Command for a test that needs it to succeed.
func (r *Redis) Must(words ...string) string {
	r.t.Helper()
	line, err := r.Command(words...)
	if err != nil {
		r.t.Fatalf("%s: %v", strings.Join(words, " "), err)
	}
	return line
}
