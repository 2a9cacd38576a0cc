package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
	"github.com/redis/rueidis"
)

// calls are what a server may refuse.
var calls = map[string]func(t *testing.T, transport *redis.Transport) error{
	"publish": func(t *testing.T, transport *redis.Transport) error {
		return transport.Publish(t.Context(), "plain", []byte("x"))
	},
	"publish to those who share": func(t *testing.T, transport *redis.Transport) error {
		return transport.Publish(t.Context(), "shared", []byte("x"))
	},
	"append": func(t *testing.T, transport *redis.Transport) error {
		_, err := transport.Append(t.Context(), "log", []byte("x"), keepAll)
		return err
	},
	"enter": func(t *testing.T, transport *redis.Transport) error {
		_, err := transport.Renew(t.Context(), "t.a", time.Minute)
		if err == nil {
			err = transport.Enter(t.Context(), "t.a", []channel.Record{{Subject: "room", Key: "k"}})
		}
		return err
	},
	"enqueue": func(t *testing.T, transport *redis.Transport) error {
		return transport.Enqueue(t.Context(), "jobs", []byte("x"))
	},
}

// TestRefusals: what a server does not do is an error for its caller, who need not do
// anything but try again later.
func TestRefusals(t *testing.T) {
	t.Parallel()
	elsewhere := servicetest.StartRedis(t, soon...)
	host, port, _ := net.SplitHostPort(elsewhere.Addr)
	for _, test := range []struct {
		name    string
		refuse  []string // the command that has the server refuse
		allow   []string // and the one that ends it
		answer  string
		refused string // calls, by their names
	}{
		{"NoMemory", []string{"CONFIG", "SET", "maxmemory", "1"}, []string{"CONFIG", "SET", "maxmemory", "0"},
			"OOM", "publish to those who share, append, enter, enqueue"},
		{"NoReplicas", []string{"CONFIG", "SET", "min-replicas-to-write", "1"},
			[]string{"CONFIG", "SET", "min-replicas-to-write", "0"},
			"NOREPLICAS", "publish to those who share, append, enter, enqueue"},
		{"IsAReplica", []string{"REPLICAOF", host, port}, []string{"REPLICAOF", "NO", "ONE"},
			"READONLY", "publish, publish to those who share, append, enter, enqueue"},
		{"NoRights", []string{"ACL", "SETUSER", "default", "resetkeys"},
			[]string{"ACL", "SETUSER", "default", "allkeys"},
			"NOPERM", "publish, publish to those who share, append, enter, enqueue"},
		{"ScriptsAreForgotten", []string{"SCRIPT", "FLUSH"}, nil, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := servicetest.StartRedis(t, soon...)
			transport := connect(t, redis.Options{URLs: []string{url(server)}})
			if _, err := transport.QueueSubscribe(t.Context(), "shared", func([]byte) {}); err != nil {
				t.Fatal(err)
			}
			for name, call := range calls {
				if err := call(t, transport); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			server.Must(test.refuse...)
			for name, call := range calls {
				err := call(t, transport)
				refused := strings.Contains(", "+test.refused+",", ", "+name+",")
				if refused != (err != nil) || refused && !strings.Contains(err.Error(), test.answer) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if test.allow == nil {
				return
			}
			server.Must(test.allow...)
			for name, call := range calls {
				eventually(t, func() error {
					if err := call(t, transport); err != nil {
						return fmt.Errorf("%s: %w", name, err)
					}
					return nil
				})
			}
		})
	}
}

// TestNewAtAReplica, which would publish to nobody.
func TestNewAtAReplica(t *testing.T) {
	t.Parallel()
	host, port, _ := net.SplitHostPort(servicetest.StartRedis(t, soon...).Addr)
	replica := servicetest.StartRedis(t, append(soon, "--replicaof", host, port)...)
	if _, err := redis.New(redis.Options{URLs: []string{url(replica)}}); err == nil {
		t.Error("it is taken for a master")
	}
}

// logOf is a logger whose lines can be counted.
type logOf struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logOf) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logOf) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// wants waits until something was logged so often.
func (l *logOf) wants(t *testing.T, what string, times int) {
	t.Helper()
	eventually(t, func() error {
		if got := l.count(what); got < times {
			return fmt.Errorf("%q is logged %d times, want %d", what, got, times)
		}
		return nil
	})
}

func (l *logOf) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// TestServerThatSubscribesNobody is one that is away: it is not asked again and again
// without a pause, and the log says so once.
func TestServerThatSubscribesNobody(t *testing.T) {
	t.Parallel()
	var log logOf
	server := servicetest.StartRedis(t, "--rename-command", "SUBSCRIBE", "")
	transport := connect(t, redis.Options{URLs: []string{url(server)}, Logger: log.logger()})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	subscribed := make(chan error, 1)
	go func() {
		_, err := transport.Subscribe(ctx, "a", func([]byte) {})
		subscribed <- err
	}()
	log.wants(t, "is lost", 1)
	time.Sleep(time.Second) // in which it is asked again, now and then
	cancel()
	if err := <-subscribed; !errors.Is(err, context.Canceled) {
		t.Errorf("subscribed: %v", err)
	}
	if lost, found := log.count("is lost"), log.count("connected again"); lost != 1 || found != 0 {
		t.Errorf("logged %d times that it was lost, and %d times that it was found", lost, found)
	}
}

// TestServerWithoutHello, or what stands in front of one and does not know it.
func TestServerWithoutHello(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "/0?protocol=2"} {
		server := servicetest.StartRedis(t, "--rename-command", "HELLO", "")
		options := redis.Options{URLs: []string{url(server) + version}}
		w := start(t, connect(t, options), connect(t, options))
		w.flows(100)
		server.Must("CLIENT", "KILL", "TYPE", "pubsub")
		w.noticed(1)
		w.finish()
	}
}

// TestEvictionIsWarnedOf when a transport is made.
func TestEvictionIsWarnedOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		policy, memory string
		warned         int
	}{{"noeviction", "100mb", 0}, {"allkeys-lru", "0", 0}, {"allkeys-lru", "100mb", 1},
		{"volatile-ttl", "100mb", 1}} {
		var log logOf
		connect(t, redis.Options{Logger: log.logger(), URLs: []string{url(servicetest.StartRedis(t,
			"--maxmemory", test.memory, "--maxmemory-policy", test.policy))}})
		if got := log.count(test.policy); got != test.warned {
			t.Errorf("%s of %s: %d warnings", test.policy, test.memory, got)
		}
	}
}

// TestKeysAreEvicted, each alone: what was kept is missing as a whole, and told so, or is
// put back by its owner.
func TestKeysAreEvicted(t *testing.T) {
	t.Parallel()
	for key, epoch := range map[string]bool{ // and whether it begins another
		"parley:log:{log}": false, "parley:mark:{log}": true,
		leaseKey: false, recordsKey: false,
	} {
		server := servicetest.StartRedis(t)
		transport := connect(t, redis.Options{URLs: []string{url(server)}})
		before, err := transport.Append(t.Context(), "log", []byte("1"), keepAll)
		if err != nil {
			t.Fatal(err)
		}
		renew(t, transport, time.Minute, channel.LeaseNew)
		if got := server.Must("DEL", key); got != ":1" {
			t.Fatalf("there is no %s", key)
		}
		after, err := transport.Append(t.Context(), "log", []byte("2"), keepAll)
		if err != nil || (after.Epoch != before.Epoch) != epoch {
			t.Errorf("without %s: %v behind %v, %v", key, after, before, err)
		}
		past, err := transport.Since(t.Context(), "log", channel.Position{}, 10)
		entries := 2
		if strings.HasSuffix(key, "{log}") {
			entries = 1
		}
		if err != nil || len(past.Entries) != entries || past.Last != after.Offset {
			t.Errorf("without %s: %+v, %v", key, past, err)
		}
		lease := channel.LeaseKept
		if strings.Contains(key, "{leases}") {
			lease = channel.LeaseForgotten
		}
		renew(t, transport, time.Minute, lease)
	}
}

// TestPasswordChanges while programs run: connections stay, and new ones have the new
// one, of those who ask for it each time.
func TestPasswordChanges(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	server.Must("ACL", "SETUSER", "app", "on", ">old", "~*", "&*", "+@all")
	var mu sync.Mutex
	password := "old"
	options := redis.Options{URLs: []string{url(server)}, Configure: func(o *rueidis.ClientOption) {
		o.AuthCredentialsFn = func(rueidis.AuthCredentialsContext) (rueidis.AuthCredentials, error) {
			mu.Lock()
			defer mu.Unlock()
			return rueidis.AuthCredentials{Username: "app", Password: password}, nil
		}
	}}
	w := start(t, connect(t, options), connect(t, options))
	w.flows(100)
	server.Must("ACL", "SETUSER", "app", "<old", ">new")
	w.flows(100)
	if w.notices.Load() != 0 || w.failed.Load() != 0 {
		t.Errorf("%d notices, %d errors", w.notices.Load(), w.failed.Load())
	}
	server.Must("CLIENT", "KILL", "USER", "app")
	w.refuses() // nobody is let in
	mu.Lock()
	password = "new"
	mu.Unlock()
	w.noticed(1)
	w.finish()
}
