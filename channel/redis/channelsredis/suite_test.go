package channelsredis

import (
	"context"
	"log/slog"
	"testing"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/channeltest"
	"github.com/parleygo/parley/internal/servicetest"
)

// The contract of transports and layers holds, but for general names of pub/sub.
func TestSuite(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			options := Options{Logger: slog.New(slog.DiscardHandler), Capacity: 5000}
			var servers []*servicetest.Redis
			for range 2 {
				servers = append(servers, servicetest.StartRedis(t))
				options.Hosts = append(options.Hosts, "redis://"+servers[len(servers)-1].Addr)
			}
			connect := func(t *testing.T) channel.Transport {
				transport, err := k.open(options)
				if err != nil {
					t.Fatal(err)
				}
				return transport
			}
			channeltest.RunTransport(t, func(t *testing.T) channel.Transport { return plain{connect(t)} },
				channeltest.Without{Interface: "QueueSubscriber", Why: "only names are shared out"},
				channeltest.Without{Interface: "Log", Why: "Channels knows none"},
				channeltest.Without{Interface: "Leases", Why: "Channels knows none"})
			channeltest.RunInterrupter(t, connect, func(*testing.T) {
				for _, server := range servers {
					server.Must("CLIENT", "KILL", "TYPE", "pubsub")
				}
			})
			channeltest.RunLayer(t, func(t *testing.T) []*channel.Layer {
				var layers []*channel.Layer
				for range 2 {
					layers = append(layers, channel.New(channel.Options{
						Transport: connect(t), Logger: options.Logger}))
				}
				return layers
			})
		})
	}
}

// plain shares nothing out: the suite does so by subjects that stand for no name.
type plain struct{ channel.Transport }

// Members are told when a host was lost.
func TestResync(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			server := servicetest.StartRedis(t)
			transport, err := k.open(Options{Hosts: []string{"redis://" + server.Addr},
				Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			layer := channel.New(channel.Options{Transport: transport})
			defer layer.Close(context.Background())
			inbox, err := layer.Open(t.Context(), channel.InboxOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := inbox.Join(t.Context(), "room"); err != nil {
				t.Fatal(err)
			}
			server.Kill()
			server.Restart()
			got := receive(t, inbox)
			if got.Type() != "channel.resync" {
				t.Errorf("received %s: %s", got.Type(), got.Payload())
			}
		})
	}
}
