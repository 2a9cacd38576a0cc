package redis_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
)

// soon has replicas follow at once.
var soon = slices.Clip([]string{"--repl-diskless-sync-delay", "0"})

// silence is after how many milliseconds servers take one of them for dead: more than a
// machine that has much to do keeps one from answering.
const silence = "5000"

// watched is a master, a replica, and a sentinel that watches them.
type watched struct {
	master, replica, sentinel *servicetest.Redis
}

func startWatched(t testing.TB) watched {
	t.Helper()
	w := watched{master: servicetest.StartRedis(t, soon...)}
	host, port, _ := net.SplitHostPort(w.master.Addr)
	w.replica = servicetest.StartRedis(t, append(soon, "--replicaof", host, port)...)
	w.sentinel = servicetest.StartSentinel(t,
		fmt.Sprintf("sentinel monitor mymaster %s %s 1", host, port),
		"sentinel down-after-milliseconds mymaster "+silence,
		"sentinel failover-timeout mymaster 2000")
	eventually(t, func() error { // the sentinel has found the replica, which follows
		answer, err := w.sentinel.Command("SENTINEL", "REPLICAS", "mymaster")
		if err == nil && answer != "*1" {
			err = errors.New(answer)
		}
		if err != nil {
			return err
		}
		if answer := w.replica.Line("INFO replication", "master_link_status:"); answer != "up" {
			return errors.New(answer)
		}
		return nil
	})
	return w
}

func behindSentinel(t *testing.T) redis.Options { return startWatched(t).options() }

func (w watched) options() redis.Options {
	return redis.Options{URLs: []string{url(w.sentinel)}, MasterSet: "mymaster"}
}

// clustered is a cluster of masters.
type clustered []*servicetest.Redis

func startCluster(t testing.TB, masters int, args ...string) clustered {
	t.Helper()
	var all clustered
	for i := range masters {
		server := servicetest.StartRedis(t, slices.Concat(soon, args, []string{
			"--cluster-enabled", "yes", "--cluster-node-timeout", silence})...)
		first, last := i*16384/masters, (i+1)*16384/masters-1
		server.Must("CLUSTER", "ADDSLOTSRANGE", fmt.Sprint(first), fmt.Sprint(last))
		all = append(all, server)
	}
	for _, server := range all {
		eventually(t, func() error {
			if knows(all[0]) != fmt.Sprint(masters) {
				all.meet() // again: who is slow to answer is forgotten
			}
			state, known := server.Line("CLUSTER INFO", "cluster_state:"), knows(server)
			if state != "ok" || known != fmt.Sprint(masters) {
				return fmt.Errorf("state %s, %s nodes", state, known)
			}
			if n := strings.Count(server.All("CLUSTER NODES"), " connected"); n < masters {
				return fmt.Errorf("%d nodes are connected", n)
			}
			return nil
		})
	}
	return all
}

func knows(server *servicetest.Redis) (nodes string) {
	return server.Line("CLUSTER INFO", "cluster_known_nodes:")
}

// meet has the first server tell the others of each other.
func (c clustered) meet() {
	for _, server := range c[1:] {
		host, port, _ := net.SplitHostPort(server.Addr)
		c[0].Must("CLUSTER", "MEET", host, port)
	}
}

func threeMasters(t *testing.T) redis.Options { return startCluster(t, 3).options() }

// oldCluster does not know sharded pub/sub, as none did before Redis 7.
func oldCluster(t *testing.T) redis.Options {
	return startCluster(t, 2, "--rename-command", "SSUBSCRIBE", "",
		"--rename-command", "SUNSUBSCRIBE", "", "--rename-command", "SPUBLISH", "").options()
}

func (c clustered) options() redis.Options {
	return redis.Options{URLs: []string{url(c[0]), url(c[1])}}
}

// patience is how long what must come may take on a machine that has much to do.
const patience = 2 * time.Minute

// eventually waits for what must come.
func eventually(t testing.TB, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
