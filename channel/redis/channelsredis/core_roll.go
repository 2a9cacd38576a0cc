package channelsredis

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// roll has the process stand in its groups, in Redis. A score there is the time of a
// group_add, and Channels strikes out what is older than GroupExpiry. So the score of a
// process is as far in the past as leaves it a lease, which is renewed.
type roll struct {
	core *core

	mu     sync.Mutex
	groups map[string]int // and by how many they are wanted
	orders []entry
	due    chan struct{}   // holds a token when there is something to do
	all    bool            // renew all groups
	told   map[int]bool    // hosts of which all are told anyway, when that is done
	stale  []chan struct{} // closed when that is done
	quit   chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
}

// entry is to be made, or to be struck out: in the order that they were asked for.
type entry struct {
	group string
	leave bool
	again bool       // it should be there
	done  chan error // where somebody waits
}

const (
	lease   = 10 * time.Minute
	renewal = time.Minute
	patient = 10 * time.Second // with a host, for one step
	again   = time.Second      // between attempts to renew
)

func newRoll(t *core) *roll {
	ctx, cancel := context.WithCancel(context.Background())
	r := &roll{core: t, groups: make(map[string]int), told: make(map[int]bool),
		due: make(chan struct{}, 1), quit: make(chan struct{}),
		cancel: cancel, done: make(chan struct{})}
	go r.run(ctx)
	return r
}

func (r *roll) join(ctx context.Context, group string) error {
	done := make(chan error, 1)
	r.mu.Lock()
	r.groups[group]++
	r.place(entry{group: group, done: done})
	r.mu.Unlock()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-r.done:
		err = errClosed
	}
	if err != nil {
		r.leave(group)
	}
	return err
}

// leave does not wait.
func (r *roll) leave(group string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.groups[group]--; r.groups[group] > 0 {
		return
	}
	delete(r.groups, group)
	r.place(entry{group: group, leave: true})
}

// renew enters all groups again, without waiting. What it returns is closed when that is
// done, and then the caller tells of all that may have been missed on these hosts.
func (r *roll) renew(hosts ...int) <-chan struct{} {
	done := make(chan struct{})
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, host := range hosts {
		r.told[host] = true
	}
	r.all, r.stale = true, append(r.stale, done)
	r.wake()
	return done
}

// place hands an entry to the goroutine. The caller holds mu.
func (r *roll) place(e entry) {
	r.orders = append(r.orders, e)
	r.wake()
}

func (r *roll) wake() {
	select {
	case r.due <- struct{}{}:
	default:
	}
}

func (r *roll) run(ctx context.Context) {
	defer close(r.done)
	ticker := time.NewTicker(min(renewal, r.core.options.GroupExpiry/3))
	defer ticker.Stop()
	for {
		select {
		case <-r.quit:
			return
		case <-ticker.C:
			r.renew()
		case <-r.due:
			if !r.carryOut(ctx) {
				rest(ctx, again)
				r.renew()
			}
		}
	}
}

// carryOut reports whether what is to be renewed was, on all hosts.
func (r *roll) carryOut(ctx context.Context) bool {
	r.mu.Lock()
	entries, stale, told := r.orders, r.stale, r.told
	r.orders, r.stale, r.told = nil, nil, make(map[int]bool)
	if r.all {
		for group := range r.groups {
			host := ring(group, len(r.core.clients))
			entries = append(entries, entry{group: group, again: !told[host]})
		}
	}
	r.all = false
	r.mu.Unlock()
	failures := make(chan error, len(entries))
	for some := range slices.Chunk(entries, 500) {
		for i := range some {
			if some[i].done == nil {
				some[i].done = failures
			}
		}
		r.write(ctx, some)
	}
	close(failures)
	for err := range failures {
		if err != nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.stale = append(stale, r.stale...)
			maps.Copy(r.told, told)
			return false
		}
	}
	for _, done := range stale {
		close(done)
	}
	return true
}

// write makes entries on all hosts at once.
func (r *roll) write(ctx context.Context, entries []entry) {
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	hosts := make([][]entry, len(r.core.clients))
	for _, e := range entries {
		host := ring(e.group, len(hosts))
		hosts[host] = append(hosts[host], e)
	}
	var all sync.WaitGroup
	for host, entries := range hosts {
		if len(entries) > 0 {
			all.Go(func() { r.writeTo(ctx, r.core.clients[host], entries) })
		}
	}
	all.Wait()
}

// enroll has the process stand in groups, or strikes it out, by the clock of the host.
// Each group has a name there, and what is to be done. It returns which were not there.
var enroll = rueidis.NewLuaScript(clockLua + `
local new = {}
for i = 1, #KEYS do
	local name, leave = ARGV[2 * i + 1], ARGV[2 * i + 2] ~= ''
	if leave then
		redis.call('ZREM', KEYS[i], name)
	else
		if redis.call('ZADD', KEYS[i], now - tonumber(ARGV[1]), name) == 1 then
			new[#new + 1] = i
		end
		redis.call('EXPIRE', KEYS[i], ARGV[2])
	end
end
return new`)

func (r *roll) writeTo(ctx context.Context, client rueidis.Client, entries []entry) {
	expiry := r.core.options.GroupExpiry
	var keys []string
	args := []string{seconds(expiry - min(lease, expiry)), seconds(expiry)}
	for _, e := range entries {
		leave := ""
		if e.leave {
			leave = "leave"
		}
		keys = append(keys, r.core.groupKey(e.group))
		args = append(args, r.core.self+e.group, leave)
	}
	entered, err := enroll.Exec(ctx, client, keys, args).AsIntSlice()
	for _, e := range entries {
		e.done <- err
	}
	r.missed(entries, entered)
}

// missed tells those who were struck out of what may have gone past them: the host was
// flushed, or has let go of the key.
func (r *roll) missed(entries []entry, entered []int64) {
	var subjects []string
	for _, place := range entered {
		e := entries[place-1]
		r.mu.Lock()
		wanted := e.again && r.groups[e.group] > 0
		r.mu.Unlock()
		if wanted {
			subjects = append(subjects, r.core.heard.subjects(
				func(a address) bool { return a.group == e.group })...)
		}
	}
	if len(subjects) > 0 {
		r.core.tell(subjects)
	}
}

// close strikes the process out of its groups, as far as ctx lets it: what stays lapses.
func (r *roll) close(ctx context.Context) {
	close(r.quit)
	select {
	case <-r.done:
	case <-ctx.Done():
	}
	r.cancel() // what goes on still
	<-r.done   // who waits has heard of it
	r.mu.Lock()
	for group := range r.groups {
		r.orders = append(r.orders, entry{group: group, leave: true})
	}
	r.mu.Unlock()
	r.carryOut(ctx)
}
