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
		layers := func(t *testing.T) (layers []*channel.Layer) {
			for range 3 {
				layers = append(layers, channel.New(channel.Options{
					Transport: dial(t),
					History: []channel.HistoryRule{
						{Pattern: channeltest.KeptGroups, Keep: channeltest.KeptBounds}},
				}))
			}
			return layers
		}
		channeltest.RunLayer(t, layers)
		channeltest.RunHistory(t, layers)
		channeltest.RunPresence(t, layers)
	})
}

func TestJobs(t *testing.T) {
	everywhere(t, func(t *testing.T, dial func(t *testing.T) *nats.Transport) {
		channeltest.RunJobs(t, func(t *testing.T) channel.Transport { return dial(t) })
	})
}
