package channeltest_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/channeltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestInProcess(t *testing.T) {
	channeltest.RunLayer(t, func(*testing.T) []*channel.Layer {
		return []*channel.Layer{channel.New(channel.Options{})}
	})
}

func TestBroker(t *testing.T) {
	var broker channel.Broker
	connect := func(*testing.T) channel.Transport { return broker.Connect() }
	channeltest.RunTransport(t, connect)
	channeltest.RunInterrupter(t, connect, func(*testing.T) { broker.Interrupt() })
	channeltest.RunLayer(t, func(*testing.T) []*channel.Layer {
		return []*channel.Layer{
			channel.New(channel.Options{Transport: broker.Connect()}),
			channel.New(channel.Options{Transport: broker.Connect()}),
			channel.New(channel.Options{Transport: broker.Connect()}),
		}
	})
}

// A transport without QueueSubscribe: general names are refused, the rest works.
func TestPlainTransport(t *testing.T) {
	var broker channel.Broker
	type plain struct{ channel.Transport } // hides the other interface
	channeltest.RunTransport(t, func(*testing.T) channel.Transport { return plain{broker.Connect()} },
		channeltest.Without{Interface: "QueueSubscriber", Why: "it is plain"},
		channeltest.Without{Interface: "Log", Why: "it is plain"},
		channeltest.Without{Interface: "Leases", Why: "it is plain"})
	channeltest.RunLayer(t, func(*testing.T) []*channel.Layer {
		return []*channel.Layer{
			channel.New(channel.Options{Transport: plain{broker.Connect()}}),
			channel.New(channel.Options{Transport: plain{broker.Connect()}}),
		}
	})
}

// A transport without faults is as good as what it wraps.
func TestFaultyWithoutFaults(t *testing.T) {
	var broker channel.Broker
	channeltest.RunTransport(t, func(*testing.T) channel.Transport {
		return channeltest.Faulty(broker.Connect(), 1, channeltest.Faults{})
	})
	channeltest.RunInterrupter(t, func(*testing.T) channel.Transport {
		return channeltest.Faulty(broker.Connect(), 1, channeltest.Faults{})
	}, func(*testing.T) { broker.Interrupt() })
}

func TestBrokerJobs(t *testing.T) {
	var broker channel.Broker
	channeltest.RunJobs(t, func(*testing.T) channel.Transport { return broker.Connect() })
}

// History and presence, alone and over a transport.
func TestHistoryAndPresence(t *testing.T) {
	var broker channel.Broker
	history := []channel.HistoryRule{{Pattern: channeltest.KeptGroups, Keep: channeltest.KeptBounds}}
	for name, connect := range map[string]func(*testing.T) []*channel.Layer{
		"alone": func(*testing.T) []*channel.Layer {
			return []*channel.Layer{channel.New(channel.Options{History: history})}
		},
		"broker": func(*testing.T) (layers []*channel.Layer) {
			for range 3 {
				layers = append(layers,
					channel.New(channel.Options{Transport: broker.Connect(), History: history}))
			}
			return layers
		},
	} {
		t.Run(name, func(t *testing.T) {
			channeltest.RunHistory(t, connect)
			channeltest.RunPresence(t, connect)
		})
	}
}
