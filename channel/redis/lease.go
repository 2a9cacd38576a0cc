package redis

import (
	"context"
	_ "embed"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/redis/rueidis"
)

// Leases are a sorted set of owners by the time when theirs runs out, and another one of
// their records. Both are on one server of a cluster, so that a script can change them
// together, by that server's clock.
var (
	//go:embed lease.lua
	leaseLua string

	renewScript   = leaseScript("return renew(ARGV[1], ARGV[2], ARGV[3])")
	enterScript   = leaseScript("return enter(ARGV[1], ARGV[2])")
	exitScript    = leaseScript("return exit(ARGV[1], ARGV[2])")
	presentScript = leaseScript("return present(ARGV[1])")
	lapsedScript  = leaseScript("return lapsed()")
	forgetScript  = leaseScript("return forget(ARGV[1])")
	dropScript    = leaseScript("return drop(ARGV[1])")
)

func leaseScript(last string) *rueidis.Lua {
	return rueidis.NewLuaScript(clockLua + leaseLua + last)
}

// atOnce is how many records one script writes.
const atOnce = 500

// renewal is what an owner was granted last, by our clock, which is only asked for how
// long ago that was, and what the server has of it.
type renewal struct {
	asked time.Time
	life  time.Duration

	edition uint64 // of what was sent
	sure    uint64 // of what has arrived
}

func (r *renewal) lives() bool { return time.Since(r.asked) < r.life }

// renewal returns that of an owner. The caller holds mu.
func (t *Transport) renewal(owner string) *renewal {
	r := t.renewed[owner]
	if r == nil {
		r = new(renewal)
		t.renewed[owner] = r
	}
	return r
}

// edition begins to write records, and returns what is to be called when they have
// arrived.
func (t *Transport) edition(owner string) (number string, arrived func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.renewal(owner)
	r.edition++
	edition := r.edition
	return strconv.FormatUint(edition, 10), func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		r.sure = max(r.sure, edition)
	}
}

// sure is the edition of an owner's records that the server has, if it has lost nothing.
func (t *Transport) sure(owner string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strconv.FormatUint(t.renewal(owner).sure, 10)
}

// lease runs a script on all leases.
func (t *Transport) lease(
	ctx context.Context, doing string, script *rueidis.Lua, args ...string,
) (rueidis.RedisResult, error) {
	if err := t.admits(ctx); err != nil {
		return rueidis.RedisResult{}, err
	}
	keys := []string{t.names.of("lease", "leases"), t.names.of(clock, "leases"),
		t.names.of("here", "leases")}
	result := script.Exec(ctx, t.client, keys, args)
	return result, t.failed(ctx, doing, result.Error())
}

// Renew implements channel.Leases. When the server is another than it was, because it
// was started again or another took over, or records are missing, all are removed, and
// the lease counts as forgotten. To find out takes as long for many records as for few.
func (t *Transport) Renew(
	ctx context.Context, owner string, life time.Duration,
) (channel.LeaseState, error) {
	asked := time.Now()
	result, err := t.lease(ctx, "renew lease", renewScript, owner, milliseconds(life),
		t.sure(owner))
	if err != nil {
		return channel.LeaseNew, err
	}
	state, err := result.ToString()
	if err != nil {
		return channel.LeaseNew, t.failed(ctx, "renew lease", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.renewal(owner)
	lives := r.lives()
	r.asked, r.life = asked, life
	switch {
	case state == "kept":
		return channel.LeaseKept, nil
	case state == "forgotten" || lives:
		return channel.LeaseForgotten, nil
	}
	return channel.LeaseNew, nil
}

// Enter implements channel.Leases.
func (t *Transport) Enter(
	ctx context.Context, owner string, records []channel.Record,
) error {
	for some := range slices.Chunk(records, atOnce) {
		edition, arrived := t.edition(owner)
		args := []string{owner, edition}
		for _, r := range some {
			args = append(args, r.Subject, r.Key, rueidis.BinaryString(r.Value))
		}
		result, err := t.lease(ctx, "enter", enterScript, args...)
		if err != nil {
			return err
		}
		if entered, err := result.AsInt64(); err != nil || entered == 0 {
			return t.failed(ctx, "enter", errors.Join(channel.ErrNoLease, err))
		}
		arrived()
	}
	return nil
}

// Exit implements channel.Leases.
func (t *Transport) Exit(
	ctx context.Context, owner string, records []channel.Record,
) error {
	for some := range slices.Chunk(records, atOnce) {
		edition, arrived := t.edition(owner)
		args := []string{owner, edition}
		for _, r := range some {
			args = append(args, r.Subject, r.Key)
		}
		if _, err := t.lease(ctx, "exit", exitScript, args...); err != nil {
			return err
		}
		arrived()
	}
	return nil
}

// Present implements channel.Leases.
func (t *Transport) Present(ctx context.Context, subject string) ([]channel.Record, error) {
	result, err := t.lease(ctx, "read presence", presentScript, subject)
	if err != nil {
		return nil, err
	}
	flat, err := result.AsStrSlice()
	if err != nil || len(flat)%2 != 0 {
		return nil, t.failed(ctx, "read presence", errors.Join(errAnswer, err))
	}
	records := make([]channel.Record, 0, len(flat)/2)
	for pair := range slices.Chunk(flat, 2) {
		records = append(records,
			channel.Record{Subject: subject, Key: pair[0], Value: bytesOf(pair[1])})
	}
	return records, nil
}

// Lapsed implements channel.Leases.
func (t *Transport) Lapsed(ctx context.Context) ([]channel.LapsedLease, error) {
	result, err := t.lease(ctx, "read leases", lapsedScript)
	if err != nil {
		return nil, err
	}
	answer, err := result.ToArray()
	var all []channel.LapsedLease
	for _, one := range answer {
		flat, err := one.AsStrSlice()
		if err != nil || len(flat)%3 != 1 {
			return nil, t.failed(ctx, "read leases", errors.Join(errAnswer, err))
		}
		lapsed := channel.LapsedLease{Owner: flat[0]}
		for r := range slices.Chunk(flat[1:], 3) {
			lapsed.Records = append(lapsed.Records,
				channel.Record{Subject: r[0], Key: r[1], Value: bytesOf(r[2])})
		}
		all = append(all, lapsed)
	}
	return all, t.failed(ctx, "read leases", err)
}

// Forget implements channel.Leases.
func (t *Transport) Forget(ctx context.Context, owner string) error {
	_, err := t.lease(ctx, "forget lease", forgetScript, owner)
	return err
}

// Drop implements channel.Leases.
func (t *Transport) Drop(ctx context.Context, owner string) error {
	t.mu.Lock()
	delete(t.renewed, owner)
	t.mu.Unlock()
	_, err := t.lease(ctx, "drop lease", dropScript, owner)
	return err
}
