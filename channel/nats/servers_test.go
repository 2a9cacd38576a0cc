package nats_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/channel/nats/embedded"
	"github.com/parleygo/parley/internal/servicetest"
)

var silent = slog.New(slog.DiscardHandler)

// deployment is servers that belong together. dial returns a new transport, each time to
// the next of the servers.
type deployment struct {
	name  string
	start func(t *testing.T) (dial func(t *testing.T) *nats.Transport)
}

var deployments = []deployment{
	{"embedded", func(t *testing.T) func(*testing.T) *nats.Transport {
		return inProcess(embeddedServers(t, 1)...)
	}},
	{"cluster", func(t *testing.T) func(*testing.T) *nats.Transport {
		return inProcess(embeddedServers(t, 3)...)
	}},
	{"server", func(t *testing.T) func(*testing.T) *nats.Transport {
		server := servicetest.StartNATS(t)
		return func(t *testing.T) *nats.Transport {
			return connect(t, nats.Options{Servers: []string{server.URL}, Timeout: patience})
		}
	}},
}

// everywhere runs a test over each deployment.
func everywhere(t *testing.T, test func(t *testing.T, dial func(t *testing.T) *nats.Transport)) {
	for _, d := range deployments {
		t.Run(d.name, func(t *testing.T) { test(t, d.start(t)) })
	}
}

func connect(t testing.TB, o nats.Options) *nats.Transport {
	t.Helper()
	if o.Logger == nil {
		o.Logger = silent
	}
	transport, err := nats.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = transport.Close(context.Background()) })
	return transport
}

func inProcess(servers ...*embedded.Server) func(t *testing.T) *nats.Transport {
	turn := 0
	return func(t *testing.T) *nats.Transport {
		turn++
		return connect(t, nats.Options{InProcess: servers[turn%len(servers)], Replicas: len(servers),
			Timeout: patience})
	}
}

// embeddedServers starts one server, or several that are a cluster.
func embeddedServers(t testing.TB, count int) (servers []*embedded.Server) {
	t.Helper()
	var addrs []string
	for range count {
		addrs = append(addrs, "127.0.0.1:"+servicetest.FreePort(t))
	}
	for i := range count {
		o := embedded.Options{Name: fmt.Sprint("test-", i), Logger: silent}
		if count > 1 {
			o.ClusterListen, o.Peers = addrs[i], addrs
		}
		server, err := embedded.New(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		})
		servers = append(servers, server)
	}
	for _, server := range servers {
		if err := server.Joined(patient(t)); err != nil {
			t.Fatal(err)
		}
	}
	return servers
}

// patience is for what a busy machine does later.
const patience = time.Minute

func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

var _ interface {
	channel.Transport
	channel.QueueSubscriber
	channel.Log
	channel.Leases
	channel.Jobs
	channel.Interrupter
} = (*nats.Transport)(nil)
