package redis_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
	"github.com/redis/rueidis"
)

// jumpScript has all times that are kept be as they would be if the server's clock had
// jumped by so many milliseconds. libfaketime does not bear redis-server's allocator, so the
// clock itself cannot be set.
const jumpScript = `
local by = tonumber(ARGV[1])
for _, times in ipairs({'parley:lease:{leases}', 'parley:due:{jobs}'}) do
	for _, member in ipairs(redis.call('ZRANGE', times, 0, -1)) do
		redis.call('ZINCRBY', times, -by, member)
	end
end
for _, mark in ipairs({'parley:clock:{leases}', 'parley:clock:{jobs}'}) do
	if redis.call('EXISTS', mark) == 1 then
		redis.call('INCRBY', mark, -by)
	end
end
local log = 'parley:log:{log}'
for _, entry in ipairs(redis.call('XRANGE', log, '-', '+')) do
	redis.call('DEL', log)
	redis.call('XADD', log, entry[1], string.format('%.0f', entry[2][1] - by), entry[2][2])
end
if redis.call('EXISTS', 'parley:mark:{log}') == 1 then
	redis.call('HINCRBY', 'parley:mark:{log}', 'time', -by)
end`

// jump has the clock of a server jump, with no more than one entry in the log.
func jump(t *testing.T, server *servicetest.Redis, by time.Duration) {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{server.Addr}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	command := client.B().Eval().Script(jumpScript).Numkeys(0).Arg(fmt.Sprint(by.Milliseconds()))
	if err := client.Do(t.Context(), command.Build()).Error(); err != nil && !rueidis.IsRedisNil(err) {
		t.Fatal(err)
	}
}

// TestClockOfTheServerJumps by an hour, in either direction: whoever died is out soon, who
// lives is there or comes again, no job hangs, and no entry stays.
func TestClockOfTheServerJumps(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		by   time.Duration
		kept channel.LeaseState // what becomes of a lease that lives
	}{
		"Back":  {-time.Hour, channel.LeaseKept},
		"Ahead": {time.Hour, channel.LeaseForgotten},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := servicetest.StartRedis(t)
			transport := connect(t, redis.Options{URLs: []string{url(server)}})
			const brief = 2 * time.Second
			renew(t, transport, time.Minute, channel.LeaseNew)
			if _, err := transport.Renew(t.Context(), "t.dead", brief); err != nil {
				t.Fatal(err)
			}
			for _, job := range []string{"held", "next"} {
				if err := transport.Enqueue(t.Context(), "jobs", []byte(job)); err != nil {
					t.Fatal(err)
				}
			}
			taken, err := transport.Take(t.Context(), "jobs", 1, brief)
			if err != nil || len(taken) != 1 || string(taken[0].Payload) != "held" {
				t.Fatalf("%v, %v", taken, err)
			}
			keep := keepAll
			keep.Age = brief
			before, err := transport.Append(t.Context(), "log", []byte("old"), keep)
			if err != nil {
				t.Fatal(err)
			}

			jump(t, server, test.by)
			renew(t, transport, time.Minute, test.kept)
			renew(t, transport, time.Minute, channel.LeaseKept)
			eventually(t, func() error {
				lapsed, err := transport.Lapsed(t.Context())
				if err == nil && (len(lapsed) != 1 || lapsed[0].Owner != "t.dead") {
					err = fmt.Errorf("%+v have lapsed", lapsed)
				}
				return err
			})
			for got := map[string]bool{}; len(got) < 2; { // each is taken, by whomever
				jobs, err := transport.Take(t.Context(), "jobs", 2, time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				for _, job := range jobs {
					got[string(job.Payload)] = true
				}
			}
			if err := transport.Done(t.Context(), "jobs", taken[0]); !errors.Is(err, channel.ErrNotHeld) {
				t.Errorf("done by who had it before: %v", err)
			}
			after, err := transport.Append(t.Context(), "log", []byte("new"), keep)
			if err != nil || after.Epoch != before.Epoch || after.Offset != 2 {
				t.Errorf("%v behind %v, %v", after, before, err)
			}
			eventually(t, func() error {
				past, err := transport.Since(t.Context(), "log", channel.Position{}, 10)
				if err == nil && len(past.Entries) > 0 {
					err = fmt.Errorf("%d entries stay", len(past.Entries))
				}
				return err
			})
		})
	}
}

// TestPresenceWhenTheClockJumps: members are told of no more than one end and one
// beginning each, and all are there again.
func TestPresenceWhenTheClockJumps(t *testing.T) {
	t.Parallel()
	const members = 20
	for name, test := range map[string]struct {
		by      time.Duration
		changes int // of each stay
	}{"Back": {-time.Hour, 0}, "Ahead": {time.Hour, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := servicetest.StartRedis(t)
			one, two := newLayer(t, server.Addr), newLayer(t, server.Addr)
			watcher := join(t, two, "room")
			for i := range members {
				if _, err := join(t, one).Enter(t.Context(), "room", i); err != nil {
					t.Fatal(err)
				}
			}
			watcher.wants(t, channel.TypeJoin, members)
			jump(t, server, test.by)
			time.Sleep(12 * time.Second) // a renewal, and two looks for leases that have lapsed
			eventually(t, func() error { // nobody is said to have gone who renews before a look
				joined, left := watcher.count(channel.TypeJoin), watcher.count(channel.TypeLeave)
				if left != 0 && left != test.changes*members || joined != members+left {
					err := fmt.Errorf("%d have joined, and %d left", joined, left)
					if left > test.changes*members || joined > (1+test.changes)*members {
						t.Fatal(err)
					}
					return err
				}
				present, err := two.Present(t.Context(), "room")
				if err == nil && len(present) != members {
					err = fmt.Errorf("%d are present", len(present))
				}
				return err
			})
		})
	}
}
