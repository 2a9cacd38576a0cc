package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
	"github.com/redis/rueidis"
)

const (
	leaseKey   = "parley:lease:{leases}"
	recordsKey = "parley:here:{leases}"
)

// evaluate runs a script at a server, as nobody of ours does.
func evaluate(t *testing.T, server *servicetest.Redis, script string, args ...string) string {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{server.Addr}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	text, err := client.Do(t.Context(),
		client.B().Eval().Script(script).Numkeys(0).Arg(args...).Build()).ToString()
	if err != nil && !rueidis.IsRedisNil(err) {
		t.Fatal(err)
	}
	return text
}

// TestRecordsAreLost behind the back of their owner, who hears of it at the next renewal,
// and has all of them there again: also where the user may not ask for the server's life.
func TestRecordsAreLost(t *testing.T) {
	t.Parallel()
	first := channel.Record{Subject: "room", Key: "a"}
	second := channel.Record{Subject: "room", Key: "b"}
	all := []channel.Record{first, second}
	for name, test := range map[string]struct {
		lose  func(t *testing.T, server *servicetest.Redis, saved string)
		state channel.LeaseState
	}{
		"Nothing":      {func(*testing.T, *servicetest.Redis, string) {}, channel.LeaseKept},
		"Leases":       {del(leaseKey), channel.LeaseForgotten},
		"Records":      {del(recordsKey), channel.LeaseForgotten},
		"Both":         {del(leaseKey, recordsKey), channel.LeaseForgotten},
		"MarkOfClock":  {del("parley:clock:{leases}"), channel.LeaseKept},
		"TheLastWrite": {restore, channel.LeaseForgotten}, // as at a replica that took over
	} {
		for _, user := range []string{"", "parley:secret@"} {
			t.Run(name+user, func(t *testing.T) {
				t.Parallel()
				server := servicetest.StartRedis(t, rights("-info")...)
				transport := connect(t, redis.Options{URLs: []string{"redis://" + user + server.Addr}})
				renew(t, transport, time.Minute, channel.LeaseNew)
				enter := func(records ...channel.Record) {
					t.Helper()
					if err := transport.Enter(t.Context(), "t.a", records); err != nil {
						t.Fatal(err)
					}
				}
				enter(first)
				saved := evaluate(t, server, `return redis.call('DUMP', ARGV[1])`, recordsKey)
				enter(second)
				renew(t, transport, time.Minute, channel.LeaseKept)
				test.lose(t, server, saved)
				renew(t, transport, time.Minute, test.state)
				if test.state != channel.LeaseKept {
					present(t, transport, "room")
					enter(all...)
				}
				present(t, transport, "room", all...)
				renew(t, transport, time.Minute, channel.LeaseKept)
				if err := transport.Exit(t.Context(), "t.a", all); err != nil {
					t.Fatal(err)
				}
				present(t, transport, "room")
				if err := transport.Drop(t.Context(), "t.a"); err != nil {
					t.Fatal(err)
				}
				if keys := server.Must("DBSIZE"); keys != ":0" {
					t.Errorf("%s keys are left", keys)
				}
			})
		}
	}
}

func del(keys ...string) func(*testing.T, *servicetest.Redis, string) {
	return func(_ *testing.T, server *servicetest.Redis, _ string) {
		server.Must(append([]string{"DEL"}, keys...)...)
	}
}

// restore has the records be what they were.
func restore(t *testing.T, server *servicetest.Redis, saved string) {
	evaluate(t, server, `redis.call('RESTORE', ARGV[1], 0, ARGV[2], 'REPLACE')`, recordsKey, saved)
}

// TestRecordsThatWereLostAreNotMixed with new ones: who enters hears at once that others
// of its records are gone.
func TestRecordsThatWereLostAreNotMixed(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	transport := connect(t, redis.Options{URLs: []string{url(server)}})
	renew(t, transport, time.Minute, channel.LeaseNew)
	server.Must("FLUSHALL")
	record := []channel.Record{{Subject: "room", Key: "a"}}
	if err := transport.Enter(t.Context(), "t.a", record); !errors.Is(err, channel.ErrNoLease) {
		t.Errorf("entered without a lease: %v", err)
	}
	if keys := server.Must("DBSIZE"); keys != ":0" {
		t.Errorf("%s keys are left", keys)
	}
}

// TestLeaseOfTheDeadIsLost: others find out all the same who was there.
func TestLeaseOfTheDeadIsLost(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	transport := connect(t, redis.Options{URLs: []string{url(server)}})
	renew(t, transport, time.Minute, channel.LeaseNew)
	record := channel.Record{Subject: "room", Key: "a", Value: []byte("v w\x00\n")}
	if err := transport.Enter(t.Context(), "t.a", []channel.Record{record}); err != nil {
		t.Fatal(err)
	}
	renew(t, transport, momentary, channel.LeaseKept)
	server.Must("DEL", leaseKey)
	eventually(t, func() error {
		lapsed, err := transport.Lapsed(t.Context())
		if err == nil && (len(lapsed) != 1 || !same(lapsed[0].Records, []channel.Record{record})) {
			err = fmt.Errorf("%+v have lapsed", lapsed)
		}
		return err
	})
	if err := transport.Forget(t.Context(), "t.a"); err != nil {
		t.Fatal(err)
	}
	if keys := server.Must("DBSIZE"); keys != ":0" {
		t.Errorf("%s keys are left", keys)
	}
}

// TestRenewalIsCheap: it is as many commands for many records as for few.
func TestRenewalIsCheap(t *testing.T) {
	t.Parallel()
	var costs []int
	for _, count := range []int{1, 5000} {
		server := servicetest.StartRedis(t)
		transport := connect(t, redis.Options{URLs: []string{url(server)}})
		renew(t, transport, time.Minute, channel.LeaseNew)
		var records []channel.Record
		for i := range count {
			records = append(records, channel.Record{Subject: fmt.Sprint("room", i), Key: "k"})
		}
		if err := transport.Enter(t.Context(), "t.a", records); err != nil {
			t.Fatal(err)
		}
		server.Must("CONFIG", "RESETSTAT")
		renew(t, transport, time.Minute, channel.LeaseKept)
		costs = append(costs, commands(server))
	}
	t.Logf("%d commands, %d for many", costs[0], costs[1])
	if costs[0] != costs[1] || costs[0] == 0 {
		t.Errorf("%v commands", costs)
	}
}

// commands is how many a server has carried out since its counts were reset.
func commands(server *servicetest.Redis) (sum int) {
	for line := range strings.Lines(server.All("INFO commandstats")) {
		_, rest, _ := strings.Cut(line, ":calls=")
		var calls int
		if _, err := fmt.Sscanf(rest, "%d,", &calls); err == nil &&
			!strings.HasPrefix(line, "cmdstat_config") && !strings.HasPrefix(line, "cmdstat_info") {
			sum += calls
		}
	}
	return sum
}

// TestPresenceComesBack whatever the server lets go of, as soon as the lease is renewed,
// and nobody is said to have gone.
func TestPresenceComesBack(t *testing.T) {
	t.Parallel()
	const members = 40
	for name, lose := range map[string]func(t *testing.T, server *servicetest.Redis){
		"Records": func(_ *testing.T, server *servicetest.Redis) { server.Must("DEL", recordsKey) },
		"Leases":  func(_ *testing.T, server *servicetest.Redis) { server.Must("DEL", leaseKey) },
		"Flushed": func(_ *testing.T, server *servicetest.Redis) { server.Must("FLUSHALL") },
		"Evicted": evict,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := servicetest.StartRedis(t)
			one, two := newLayer(t, server.Addr), newLayer(t, server.Addr)
			watcher := join(t, two, "room")
			for i := range members {
				layer := []*channel.Layer{one, two}[i%2]
				if _, err := join(t, layer).Enter(t.Context(), "room", i); err != nil {
					t.Fatal(err)
				}
			}
			watcher.wants(t, channel.TypeJoin, members)
			lose(t, server)
			began := time.Now()
			eventually(t, func() error {
				present, err := two.Present(context.Background(), "room")
				if err == nil && (len(present) != members || server.Must("EXISTS", leaseKey) != ":1") {
					err = fmt.Errorf("%d are present", len(present))
				}
				return err
			})
			t.Logf("all %d are present again after %v", members, time.Since(began))
			if joins, leaves := watcher.count(channel.TypeJoin), watcher.count(channel.TypeLeave); joins !=
				members || leaves != 0 {
				t.Errorf("told of %d joins and %d leaves", joins, leaves)
			}
		})
	}
}

// evict has the server need the room of all that nobody has used lately.
func evict(t *testing.T, server *servicetest.Redis) {
	t.Helper()
	server.Must("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
	server.Must("CONFIG", "SET", "maxmemory", "10mb")
	for i := 0; server.Must("EXISTS", recordsKey) == ":1"; i++ {
		if i == 1000 {
			t.Fatal("it is not evicted")
		}
		evaluate(t, server, `for i = 1, 100 do
			redis.call('SET', ARGV[1] .. i, string.rep('x', 10000)) end`, fmt.Sprint(i, "."))
	}
	if server.Line("INFO stats", "evicted_keys:") == "0" {
		t.Error("no key was evicted")
	}
	server.Must("CONFIG", "SET", "maxmemory", "0")
}
