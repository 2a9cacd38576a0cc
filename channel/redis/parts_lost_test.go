package redis_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestStreamIsEvicted, and the ledger is not: what it has counted of the entries' bytes
// leaves no less room for those that come.
func TestStreamIsEvicted(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	transport := connect(t, redis.Options{URLs: []string{url(server)}})
	keep := channel.Keep{Messages: 100, Age: time.Hour, Bytes: 1000}
	add := func(size int) {
		t.Helper()
		payload := []byte(strings.Repeat("x", size))
		if _, err := transport.Append(t.Context(), "log", payload, keep); err != nil {
			t.Fatal(err)
		}
	}
	add(990)
	server.Must("DEL", "parley:log:{log}")
	for range 10 {
		add(100)
	}
	past, err := transport.Since(t.Context(), "log", channel.Position{}, 100)
	if err != nil || len(past.Entries) != 10 || past.First != 2 || past.Last != 11 {
		t.Errorf("%d entries from %d to %d, %v", len(past.Entries), past.First, past.Last, err)
	}
}

// TestTimesOfJobsAreLost: who holds one can end it, and of the others each is taken again.
func TestTimesOfJobsAreLost(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	transport := connect(t, redis.Options{URLs: []string{url(server)}})
	for i := range 3 {
		if err := transport.Enqueue(t.Context(), "jobs", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	held, err := transport.Take(t.Context(), "jobs", 3, time.Hour)
	if err != nil || len(held) != 3 {
		t.Fatalf("%v, %v", held, err)
	}
	server.Must("DEL", "parley:due:{jobs}", "parley:clock:{jobs}")
	if err := transport.Done(t.Context(), "jobs", held[0]); err != nil {
		t.Errorf("done: %v", err)
	}
	var again []string
	for len(again) < 2 {
		jobs, err := transport.Take(t.Context(), "jobs", 3, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range jobs {
			if job.Takes != 2 {
				t.Errorf("taken %d times", job.Takes)
			}
			again = append(again, string(job.Payload))
			if err := transport.Done(t.Context(), "jobs", job); err != nil {
				t.Error(err)
			}
		}
	}
	if slices.Sort(again); !slices.Equal(again, []string{"1", "2"}) {
		t.Errorf("%q were taken again", again)
	}
}

// sharing is a reader of "shared" who notes what comes, and what it is told.
type sharing struct {
	*redis.Transport
	came    chan string
	notices atomic.Int64
}

func share(t *testing.T, server *servicetest.Redis) *sharing {
	t.Helper()
	s := &sharing{Transport: connect(t, redis.Options{URLs: []string{url(server)}}),
		came: make(chan string, 1000)}
	s.OnInterrupt(func([]string) { s.notices.Add(1) })
	if _, err := s.QueueSubscribe(t.Context(), "shared",
		func(payload []byte) { s.came <- string(payload) }); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sharing) told(t *testing.T, notices int64) {
	t.Helper()
	eventually(t, func() error {
		if got := s.notices.Load(); got < notices {
			return fmt.Errorf("%d notices, want %d", got, notices)
		}
		return nil
	})
	if got := s.notices.Load(); got != notices {
		t.Fatalf("%d notices, want %d", got, notices)
	}
}

// TestReadersAreForgotten: what was published meanwhile has gone to nobody, and one of
// them is told; and so it is when the server is another.
func TestReadersAreForgotten(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	s := share(t, server)
	server.Must("FLUSHALL")
	if err := s.Publish(t.Context(), "shared", []byte("lost")); err != nil {
		t.Fatal(err)
	}
	s.told(t, 1)
	if err := s.Publish(t.Context(), "shared", []byte("next")); err != nil {
		t.Fatal(err)
	}
	got := <-s.came
	if got == "lost" { // the sign was given again before it was published
		got = <-s.came
	}
	if got != "next" {
		t.Errorf("%s came", got)
	}
	server.Kill()
	server.Restart()
	eventually(t, func() error { // what is published before the last notice may be lost
		if err := s.Publish(t.Context(), "shared", []byte("last")); err != nil {
			return err
		}
		select {
		case <-s.came:
			return nil
		default:
			return errors.New("it has not come yet")
		}
	})
	eventually(t, func() error {
		if got := s.notices.Load(); got < 2 {
			return fmt.Errorf("%d notices", got)
		}
		return nil
	})
}

// TestReadersMakeRoom at a server that has none: what waits is taken, and readers are not
// forgotten.
func TestReadersMakeRoom(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	s := share(t, server)
	server.Must("CONFIG", "SET", "maxmemory", "1")
	server.Must("PEXPIRE", "parley:readers:{shared}", "40000")
	evaluate(t, server, `redis.call('DEL', 'none')
		redis.call('RPUSH', 'parley:queue:{shared}', ARGV[1])`, "waits")
	if got := <-s.came; got != "waits" {
		t.Errorf("%s came", got)
	}
	eventually(t, func() error {
		if life := server.Must("PTTL", "parley:readers:{shared}"); len(life) < 6 || life < ":40000" {
			return errors.New(life)
		}
		return nil
	})
	if got := s.notices.Load(); got != 0 {
		t.Errorf("%d notices", got)
	}
}

// take takes a job, or finds none soon.
func take(t *testing.T, transport *redis.Transport) error {
	_, err := transport.Take(t.Context(), "jobs", 1, time.Minute)
	return err
}

// TestKeysOfAnotherType stand where ours should: callers are told, those who share go on
// when it is gone, and nobody is told of a loss that was none.
func TestKeysOfAnotherType(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	s := share(t, server)
	for key, call := range map[string]func() error{
		"parley:log:{log}":  func() error { return calls["append"](t, s.Transport) },
		"parley:mark:{log}": func() error { return calls["append"](t, s.Transport) },
		leaseKey:            func() error { return calls["enter"](t, s.Transport) },
		recordsKey:          func() error { return calls["enter"](t, s.Transport) },
		"parley:queue:{shared}": func() error {
			err := calls["publish to those who share"](t, s.Transport)
			if err == nil {
				<-s.came
			}
			return err
		},
		"parley:jobs:{jobs}": func() error { return calls["enqueue"](t, s.Transport) },
		"parley:due:{jobs}": func() error {
			if err := calls["enqueue"](t, s.Transport); err != nil {
				return err
			}
			return take(t, s.Transport)
		},
	} {
		if err := call(); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		server.Must("DEL", key)
		server.Must("SADD", key, "x")
		if err := call(); err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
			t.Errorf("%s: %v", key, err)
		}
		if kind := server.Must("TYPE", key); kind != "+set" {
			t.Errorf("%s is a %s now", key, kind)
		}
		server.Must("DEL", key)
		if err := call(); err != nil {
			t.Errorf("%s: %v afterwards", key, err)
		}
	}
	if got := s.notices.Load(); got != 0 {
		t.Errorf("%d notices", got)
	}
}
