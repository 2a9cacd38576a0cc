package parleyprometheus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/server"
)

// Options names what is to be seen. What is left out is not.
type Options struct {
	// Server brings the sum of all gateways in the process, sessions without a
	// socket and connections.
	Server *server.Server

	// Gateways are those of a program with an http.Server of its own, by the name
	// that becomes the label "gateway". Together with Server they would count twice:
	// New panics.
	Gateways map[string]*nethttp.Gateway

	// Bridges and Layers are labelled "bridge" and "layer".
	Bridges map[string]*bridge.Bridge
	Layers  map[string]*channel.Layer
}

// New returns a collector of what o names. It panics for a nil in a map, and for
// Gateways beside a Server.
func New(o Options) prometheus.Collector {
	c := new(collector)
	if o.Server != nil {
		if len(o.Gateways) > 0 {
			panic("parleyprometheus: Options.Gateways beside Options.Server count twice")
		}
		add(c, serverMetrics, "", o.Server.Stats)
		add(c, gatewayMetrics, "server", func() nethttp.Stats { return o.Server.Stats().Gateways })
	}
	for name, gateway := range o.Gateways {
		mustBe(gateway != nil, "Gateways", name)
		add(c, gatewayMetrics, name, gateway.Stats)
	}
	for name, b := range o.Bridges {
		mustBe(b != nil, "Bridges", name)
		add(c, bridgeMetrics, name, b.Stats)
	}
	for name, layer := range o.Layers {
		mustBe(layer != nil, "Layers", name)
		add(c, layerMetrics, name, layer.Stats)
	}
	return c
}

func mustBe(there bool, field, name string) {
	if !there {
		panic("parleyprometheus: Options." + field + ": " + name + " is nil")
	}
}

// collector asks each source when it is asked.
type collector struct {
	describe []func(chan<- *prometheus.Desc)
	collect  []func(chan<- prometheus.Metric)
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(into chan<- *prometheus.Desc) {
	for _, describe := range c.describe {
		describe(into)
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(into chan<- prometheus.Metric) {
	for _, collect := range c.collect {
		collect(into)
	}
}

// add adds a source of stats by its name, if it needs one.
func add[S any](c *collector, metrics []metric[S], name string, stats func() S) {
	c.describe = append(c.describe, func(into chan<- *prometheus.Desc) {
		for _, m := range metrics {
			into <- m.desc
		}
	})
	c.collect = append(c.collect, func(into chan<- prometheus.Metric) {
		now := stats()
		for _, m := range metrics {
			m.tell(now, func(value sample, labels ...string) {
				if name != "" {
					labels = append([]string{name}, labels...)
				}
				into <- value(m.desc, labels)
			})
		}
	})
}
