package channelsredis

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/parleygo/parley/internal/servicetest"
)

// coreAt is a Core at so many hosts.
func coreAt(t *testing.T, hosts int) (*core, []*servicetest.Redis) {
	t.Helper()
	options := Options{Logger: slog.New(slog.DiscardHandler)}
	var servers []*servicetest.Redis
	for range hosts {
		servers = append(servers, servicetest.StartRedis(t))
		options.Hosts = append(options.Hosts, "redis://"+servers[len(servers)-1].Addr)
	}
	transport, err := Core(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { transport.Close(t.Context()) })
	return transport.(*core), servers
}

// nameAt is a name of Channels whose messages lie at a host.
func nameAt(host, hosts int) string {
	for i := 0; ; i++ {
		if name := fmt.Sprintf("specific.%d!x", i); ring(nonLocal(name), hosts) == host {
			return name
		}
	}
}

// TestGroupSendWithoutAHost reaches the others, and says so.
func TestGroupSendWithoutAHost(t *testing.T) {
	const hosts, sends = 3, 5
	t1, servers := coreAt(t, hosts)
	const group = "room"
	at := ring(group, hosts)
	now := fmt.Sprint(time.Now().Unix())
	for host := range hosts {
		servers[at].Must("ZADD", t1.groupKey(group), now, nameAt(host, hosts))
	}
	down := (at + 1) % hosts
	servers[down].Kill()
	for range sends {
		if err := t1.groupSend(t.Context(), group, object{{typeKey, "t"}}); err == nil {
			t.Error("all were reached")
		}
	}
	for host, server := range servers {
		if host == down {
			continue
		}
		if got := server.Must("ZCARD", t1.key(nonLocal(nameAt(host, hosts)))); got != fmt.Sprint(":", sends) {
			t.Errorf("%s messages at host %d", got, host)
		}
	}
}

// TestClocksOfOthers: what lies there already has the time of a clock that is an hour ahead,
// or behind. Messages come in the order that they were sent in, and nothing is too old
// that is not.
func TestClocksOfOthers(t *testing.T) {
	t1, servers := coreAt(t, 1)
	name := nameAt(0, 1)
	key := t1.key(nonLocal(name))
	ahead := time.Now().Add(time.Hour).Unix()
	servers[0].Must("ZADD", key, fmt.Sprint(ahead), "first")
	for range 3 {
		if err := t1.send(t.Context(), name, object{{typeKey, "t"}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := servers[0].Must("ZRANK", key, "first"); got != ":0" {
		t.Errorf("what came first is at %s", got)
	}
	if got := servers[0].Must("ZCARD", key); got != ":4" {
		t.Errorf("%s messages", got)
	}
}

// TestNamesTwice: a name that is named twice gets one message.
func TestNamesTwice(t *testing.T) {
	for _, w := range formats() {
		w.noise, w.keys = 0, nil
		packed, err := w.encode(object{{typeKey, "t"}, {channelKey, []any{"a!b", "a!c", "a!b"}}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.decode(packed)
		if err != nil || fmt.Sprint(p.names) != "[a!b a!c]" {
			t.Errorf("%v, %v", p.names, err)
		}
	}
}
