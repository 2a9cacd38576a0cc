package redis_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestFailover: a master dies, or is replaced while it lives. Whoever listens listens
// to the new one then.
func TestFailover(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		over func(t *testing.T, w watched)
	}{
		{"MasterIsKilled", func(_ *testing.T, w watched) { w.master.Kill() }},
		{"MasterIsReplaced", func(t *testing.T, w watched) {
			eventually(t, func() error { // not before the sentinel thinks well of the replica
				_, err := w.sentinel.Command("SENTINEL", "FAILOVER", "mymaster")
				return err
			})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			servers := startWatched(t)
			from, to := connect(t, servers.options()), connect(t, servers.options())
			before, err := from.Append(t.Context(), "log", []byte("1"), keepAll)
			if err != nil {
				t.Fatal(err)
			}
			w := start(t, from, to)
			w.flows(100)
			test.over(t, servers)
			eventually(t, func() error {
				if role := servers.replica.Line("INFO replication", "role:"); role != "master" {
					return errors.New(role)
				}
				return nil
			})
			eventually(t, func() error {
				if w.notices.Load() == 0 {
					return errors.New("no notice")
				}
				return nil
			})
			w.finish()
			var after channel.Position
			eventually(t, func() (err error) {
				after, err = from.Append(t.Context(), "log", []byte("2"), keepAll)
				return err
			})
			if before.Epoch == after.Epoch {
				t.Errorf("%v is followed by %v of another server", before, after)
			}
		})
	}
}

// TestSlotMoves to another master, under load.
func TestSlotMoves(t *testing.T) {
	eachPubSub(t, slotMoves)
}

// eachPubSub is for both kinds that a cluster has.
func eachPubSub(t *testing.T, test func(t *testing.T, unsharded bool)) {
	t.Parallel()
	for name, unsharded := range map[string]bool{"Sharded": false, "Unsharded": true} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, unsharded) })
	}
}

func slotMoves(t *testing.T, unsharded bool) {
	servers := startCluster(t, 3)
	options := servers.options()
	options.Unsharded = unsharded
	from, to := connect(t, options), connect(t, options)
	w := start(t, from, to)
	w.flows(100)
	slot := strings.TrimPrefix(servers[0].Must("CLUSTER", "KEYSLOT", "{"+w.subject+"}"), ":")
	target := servers[0]
	for _, server := range servers {
		if !has(server, slot) {
			target = server
		}
	}
	id := strings.Fields(target.All("CLUSTER MYID"))[0]
	for _, server := range servers {
		server.Must("CLUSTER", "SETSLOT", slot, "NODE", id)
	}
	w.noticed(1)
	w.finish()
}

// has reports whether a node of a cluster serves a slot, by what the node says.
func has(server *servicetest.Redis, slot string) bool {
	for line := range strings.Lines(server.All("CLUSTER NODES")) {
		fields := strings.Fields(line)
		if !strings.Contains(fields[2], "myself") {
			continue
		}
		for _, span := range fields[8:] {
			first, last, _ := strings.Cut(span, "-")
			var a, b, n int
			fmt.Sscan(first, &a)
			fmt.Sscan(last, &b)
			fmt.Sscan(slot, &n)
			if a <= n && n <= b {
				return true
			}
		}
	}
	return false
}

// TestClusterMasterDies, and its replica takes over.
func TestClusterMasterDies(t *testing.T) {
	eachPubSub(t, clusterMasterDies)
}

func clusterMasterDies(t *testing.T, unsharded bool) {
	servers := startCluster(t, 3)
	var owner *servicetest.Redis
	slot := strings.TrimPrefix(servers[0].Must("CLUSTER", "KEYSLOT", "{traffic}"), ":")
	for _, server := range servers {
		if has(server, slot) {
			owner = server
		}
	}
	replica := servicetest.StartRedis(t, append(soon, "--cluster-enabled", "yes",
		"--cluster-node-timeout", silence)...)
	host, port, _ := net.SplitHostPort(owner.Addr)
	id := strings.Fields(owner.All("CLUSTER MYID"))[0]
	eventually(t, func() error {
		replica.Must("CLUSTER", "MEET", host, port)
		_, err := replica.Command("CLUSTER", "REPLICATE", id)
		return err
	})
	eventually(t, func() error {
		for _, server := range servers {
			if !strings.Contains(server.All("CLUSTER NODES"), "slave "+id) {
				return errors.New("no replica yet")
			}
		}
		if state := replica.Line("INFO replication", "master_link_status:"); state != "up" {
			return errors.New(state)
		}
		return nil
	})
	var seeds []string
	for _, server := range servers {
		seeds = append(seeds, url(server))
	}
	options := servers.options()
	options.URLs, options.Unsharded = seeds, unsharded
	w := start(t, connect(t, options), connect(t, options))
	w.flows(100)
	owner.Kill()
	w.noticed(1)
	w.finish()
}
