package nats_test

import (
	"testing"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/channeltest"
	"github.com/parleygo/parley/channel/nats"
)

func TestTransport(t *testing.T) {
	everywhere(t, func(t *testing.T, dial func(t *testing.T) *nats.Transport) {
		channeltest.RunTransport(t, func(t *testing.T) channel.Transport { return dial(t) })
	})
}

func TestLayer(t *testing.T) {
	everywhere(t, func(t *testing.T, dial func(t *testing.T) *nats.Transport) {
		channeltest.RunLayer(t, func(t *testing.T) []*channel.Layer {
			return []*channel.Layer{
				channel.New(channel.Options{Transport: dial(t)}),
				channel.New(channel.Options{Transport: dial(t)}),
				channel.New(channel.Options{Transport: dial(t)}),
			}
		})
	})
}

func TestJobs(t *testing.T) {
	everywhere(t, func(t *testing.T, dial func(t *testing.T) *nats.Transport) {
		channeltest.RunJobs(t, func(t *testing.T) channel.Transport { return dial(t) })
	})
}
