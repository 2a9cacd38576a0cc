package channelsredis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/parleygo/parley/channel"
)

// Publish implements channel.Transport.
func (t *core) Publish(ctx context.Context, subject string, payload []byte) error {
	if err := t.admits(ctx); err != nil {
		return err
	}
	p, to, ok := t.parcelOf(subject, payload)
	if !ok {
		return t.whisper(ctx, to, subject, payload)
	}
	if err := checkLength(address{group: string(p.Group), direct: string(p.Name)}); err != nil {
		return err
	}
	dict, err := dictOf(p)
	if err != nil {
		return err
	}
	if p.Group != "" {
		return t.groupSend(ctx, p.Group, dict)
	}
	return t.send(ctx, string(p.Name), dict)
}

// send puts a message where the process reads that has made the name; of a general one
// all hosts are read.
func (t *core) send(ctx context.Context, name string, dict object) error {
	direct := nonLocal(name)
	host := ring(direct, len(t.clients))
	if direct == name {
		host = int(t.turn.Add(1)) % len(t.clients)
	} else {
		dict = append(dict, member{channelKey, name})
	}
	full, err := t.put(ctx, host, []mail{{direct, dict, t.options.capacity(name)}})
	if err == nil && full > 0 {
		err = fmt.Errorf("channelsredis: %s: %w", direct, channel.ErrFull)
	}
	return err
}

// mail is a message for one process.
type mail struct {
	direct   string
	dict     object
	capacity int
}

// groupSend puts a message where each process reads that has a member, but this one.
func (t *core) groupSend(ctx context.Context, group channel.Group, dict object) error {
	names, err := t.members(ctx, string(group))
	if err != nil {
		return err
	}
	full, failures := 0, []error(nil)
	for host, mails := range t.sort(names, dict) {
		n, err := t.put(ctx, host, mails)
		if err != nil { // the others do not miss the message for it
			failures = append(failures, fmt.Errorf("host %d: %w", host, err))
		}
		full += n
	}
	if full > 0 {
		t.options.logger().Info("channelsredis: no room for a group's message",
			"group", group, "processes", full)
		if t.options.OnFull != nil {
			t.options.OnFull(group, full)
		}
	}
	if len(failures) > 0 {
		return fmt.Errorf("channelsredis: not all processes are reached: %w", errors.Join(failures...))
	}
	return nil
}

// members are the names in a group.
func (t *core) members(ctx context.Context, group string) ([]string, error) {
	client := t.clients[ring(group, len(t.clients))]
	return membersOf.Exec(ctx, client, []string{t.groupKey(group)},
		[]string{seconds(t.options.GroupExpiry)}).AsStrSlice()
}

// Times are those of the host: the clocks of processes play no part.
const clockLua = `
local time = redis.call('TIME')
local now = tonumber(time[1])
`

// membersOf strikes out who has not been there for too long, and returns the others.
var membersOf = rueidis.NewLuaScript(clockLua + `
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - tonumber(ARGV[1]))
return redis.call('ZRANGE', KEYS[1], 0, -1)`)

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// sort makes one message for each process, with the names there, and sorts them by host.
func (t *core) sort(names []string, dict object) map[int][]mail {
	there := make(map[string][]any)
	capacity := make(map[string]int)
	for _, name := range names {
		direct := nonLocal(name)
		if direct == t.self {
			continue
		}
		if there[direct] == nil {
			capacity[direct] = t.options.capacity(name)
		}
		there[direct] = append(there[direct], name)
	}
	hosts := make(map[int][]mail)
	for _, direct := range slices.Sorted(maps.Keys(there)) {
		host := ring(direct, len(t.clients))
		addressed := append(slices.Clip(dict), member{channelKey, there[direct]})
		hosts[host] = append(hosts[host], mail{direct, addressed, capacity[direct]})
	}
	return hosts
}

// post adds messages where there is room, and returns where there was none. A score is
// the time, to the microsecond, but no less than those that wait: so messages lie in the
// order that they came in, whatever clock those before had.
var post = rueidis.NewLuaScript(clockLua + `
local full, expiry = 0, ARGV[#ARGV]
local exact = now + time[2] / 1000000
for i = 1, #KEYS do
	redis.call('ZREMRANGEBYSCORE', KEYS[i], 0, now - tonumber(expiry))
	if redis.call('ZCARD', KEYS[i]) < tonumber(ARGV[i + #KEYS]) then
		local last = redis.call('ZRANGE', KEYS[i], -1, -1, 'WITHSCORES')[2]
		local score = math.max(exact, (tonumber(last) or 0) + 0.000001)
		redis.call('ZADD', KEYS[i], string.format('%.6f', score), ARGV[i])
		redis.call('EXPIRE', KEYS[i], expiry)
	else
		full = full + 1
	end
end
return full`)

func (t *core) put(ctx context.Context, host int, mails []mail) (full int, err error) {
	var keys, messages, capacities []string
	for _, m := range mails {
		packed, err := t.wire.encode(m.dict)
		if err != nil {
			return 0, err
		}
		keys = append(keys, t.key(m.direct))
		messages = append(messages, rueidis.BinaryString(packed))
		capacities = append(capacities, strconv.Itoa(m.capacity))
	}
	args := append(append(messages, capacities...), seconds(t.options.Expiry))
	count, err := post.Exec(ctx, t.clients[host], keys, args).AsInt64()
	return int(count), err
}
