package redis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
)

// say sends a command to a server, and waits for no answer: there may be none for long.
func say(t *testing.T, server *servicetest.Redis, command string) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, command+"\r\n"); err != nil {
		t.Fatal(err)
	}
}

// becomes waits until a server answers PING so.
func becomes(t *testing.T, server *servicetest.Redis, answer string) {
	t.Helper()
	eventually(t, func() error {
		if got, _ := server.Command("PING"); !strings.HasPrefix(got, answer) {
			return fmt.Errorf("it answers %s", got)
		}
		return nil
	})
}

func loads(t *testing.T, server *servicetest.Redis) {
	evaluate(t, server, `for i = 1, 5000 do
		redis.call('SET', 'filler' .. i, string.rep(tostring(i), 300)) end`)
	server.Must("CONFIG", "SET", "loading-process-events-interval-bytes", "1024")
	server.Must("CONFIG", "SET", "key-load-delay", "20000")
	say(t, server, "DEBUG RELOAD")
	becomes(t, server, "-LOADING")
}

func loaded(t *testing.T, server *servicetest.Redis) {
	eventually(t, func() error {
		_, err := server.Command("CONFIG", "SET", "key-load-delay", "0")
		return err
	})
	becomes(t, server, "+PONG")
}

func works(t *testing.T, server *servicetest.Redis) {
	server.Must("CONFIG", "SET", "busy-reply-threshold", "50")
	say(t, server, `EVAL "while true do end" 0`)
	becomes(t, server, "-BUSY")
}

func worked(t *testing.T, server *servicetest.Redis) {
	eventually(t, func() error { _, err := server.Command("SCRIPT", "KILL"); return err })
	becomes(t, server, "+PONG")
}

// cannotSave has the folder of a server vanish.
func cannotSave(t *testing.T, server *servicetest.Redis) {
	dir := t.TempDir()
	server.Must("CONFIG", "SET", "dir", dir)
	server.Must("CONFIG", "SET", "save", `"3600 1"`)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	server.Must("BGSAVE")
	saved(t, server, "err")
}

func canSave(t *testing.T, server *servicetest.Redis) {
	server.Must("CONFIG", "SET", "dir", t.TempDir())
	eventually(t, func() error { _, err := server.Command("BGSAVE"); return err })
	saved(t, server, "ok")
}

func saved(t *testing.T, server *servicetest.Redis, status string) {
	eventually(t, func() error {
		if got := server.Line("INFO persistence", "rdb_last_bgsave_status:"); got != status {
			return errors.New(got)
		}
		return nil
	})
}

func set(name, value string) func(*testing.T, *servicetest.Redis) {
	return func(_ *testing.T, server *servicetest.Redis) { server.Must("CONFIG", "SET", name, value) }
}

// TestServerIsNotItself for a while: callers are told what it says, nobody loses a socket,
// and all goes on when it does, without a restart of anybody.
func TestServerIsNotItself(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		begin, end func(*testing.T, *servicetest.Redis)
		refused    string // what it does not do
	}{
		"LOADING": {loads, loaded, "send append enter renew"},
		"BUSY":    {works, worked, "send append enter renew"},
		"MISCONF": {cannotSave, canSave, "append enter renew"},
		"OOM":     {set("maxmemory", "1"), set("maxmemory", "0"), "append enter"},
		"NOREPLICAS": {set("min-replicas-to-write", "1"), set("min-replicas-to-write", "0"),
			"append enter renew"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := servicetest.StartRedis(t,
				"--enable-protected-configs", "yes", "--enable-debug-command", "yes")
			c := newCrowd(t, server)
			c.all(t, "", "")
			test.begin(t, server)
			c.all(t, name, test.refused)
			test.end(t, server)
			c.all(t, "", "")
			c.check(t)
		})
	}
}

// TestClusterIsDown for one of its masters is: the same, and who listens is told.
func TestClusterIsDown(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 3)
	c := newCrowd(t, servers[0], servers.options())
	c.all(t, "", "")
	dead := servers[2]
	for _, server := range servers { // one that none of the calls needs
		if !has(server, keyslot(servers[0], "parley.group.room")) &&
			!has(server, keyslot(servers[0], "parley.group.kept")) && server != servers[0] {
			dead = server
		}
	}
	dead.Kill()
	for _, server := range servers {
		if server != dead {
			eventually(t, func() error {
				if state := server.Line("CLUSTER INFO", "cluster_state:"); state != "fail" {
					return errors.New(state)
				}
				return nil
			})
		}
	}
	for call, do := range c.calls {
		if err := do(); err == nil {
			t.Errorf("%s succeeds", call)
		}
	}
	dead.Restart()
	eventually(t, func() error {
		for call, do := range c.calls {
			if err := do(); err != nil {
				return fmt.Errorf("%s: %w", call, err)
			}
		}
		return nil
	})
	c.alive(t)
}

func keyslot(server *servicetest.Redis, subject string) string {
	return strings.TrimPrefix(server.Must("CLUSTER", "KEYSLOT", "{"+subject+"}"), ":")
}

// crowd is members in two groups at one layer, and what others do to them at another.
type crowd struct {
	calls   map[string]func() error
	members []*member
	watcher *member
	sent    map[string]int // that succeeded
	failed  int
}

func newCrowd(t *testing.T, server *servicetest.Redis, options ...redis.Options) *crowd {
	t.Helper()
	options = append(options, redis.Options{URLs: []string{url(server)}})
	near, far := layerOn(t, options[0]), layerOn(t, options[0])
	transport := connect(t, options[0])
	c := &crowd{watcher: join(t, far, "room", "kept"), sent: make(map[string]int)}
	send := func(group channel.Group, kind string) func() error {
		return func() error {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, err := near.GroupSend(ctx, group, channel.NewMessage(kind, nil))
			return err
		}
	}
	c.calls = map[string]func() error{
		"send":   send("room", "send"),
		"append": send("kept", "append"),
		"renew": func() error {
			_, err := transport.Renew(t.Context(), "t.a", time.Minute)
			return err
		},
		"enter": func() error {
			m := join(t, near)
			_, err := m.Enter(t.Context(), "people", len(c.members))
			if err == nil {
				c.members = append(c.members, m)
			}
			return err
		},
	}
	return c
}

// all makes each call, of which those that are refused are told so.
func (c *crowd) all(t *testing.T, answer, refused string) {
	t.Helper()
	for range 3 {
		for call, do := range c.calls {
			err := do()
			if err == nil {
				c.sent[call]++
			} else {
				c.failed++
			}
			if told := err != nil && strings.Contains(err.Error(), answer); told !=
				strings.Contains(refused, call) || (err != nil) != told {
				t.Errorf("%s: %v", call, err)
			}
		}
	}
}

// check waits for all that was said to have been sent.
func (c *crowd) check(t *testing.T) {
	t.Helper()
	for _, kind := range []string{"send", "append"} {
		eventually(t, func() error {
			if got := c.watcher.count(kind); got < c.sent[kind] {
				return fmt.Errorf("%d of %d %s have come", got, c.sent[kind], kind)
			}
			return nil
		})
	}
	if told := c.watcher.count(channel.TypeResync) + c.watcher.count(channel.TypeGap); told != 0 {
		t.Errorf("told of %d losses, and there was none", told)
	}
	c.alive(t)
	t.Logf("%v succeeded, %d were refused", c.sent, c.failed)
}

func (c *crowd) alive(t *testing.T) {
	t.Helper()
	for _, m := range append(c.members, c.watcher) {
		if m.Err() != nil {
			t.Errorf("a member ended: %v", m.Err())
		}
	}
}
