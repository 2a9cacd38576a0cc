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
	channeltest.RunTransport(t, func(*testing.T) channel.Transport { return broker.Connect() })
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
	channeltest.RunTransport(t, func(*testing.T) channel.Transport { return plain{broker.Connect()} })
	channeltest.RunLayer(t, func(*testing.T) []*channel.Layer {
		return []*channel.Layer{
			channel.New(channel.Options{Transport: plain{broker.Connect()}}),
			channel.New(channel.Options{Transport: plain{broker.Connect()}}),
		}
	})
}
