package inspect

import (
	"iter"
	"log/slog"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/channel"
)

// Source is what has conversations to show: *nethttp.Gateway and *fallback.App are.
type Source interface {
	Conversations() iter.Seq[parley.Conversation]
	End(id uint64, cause error) bool
	Endings() []parley.Ending
}

// Options of a Handler. The zero value shows what the server has that serves the page,
// to browsers on the same machine.
type Options struct {
	// Sources are shown besides those of the process that package server runs, which
	// are found by themselves. A program with an http.Server of its own lists its
	// gateways here.
	Sources []Source

	// Layers and Bridges are shown by these names.
	Layers  map[string]*channel.Layer
	Bridges map[string]*bridge.Bridge

	// Drain is what the button does, and does not wait. Default: it asks server.Run,
	// which ends the process then as after a signal. Where neither is there, the
	// page has no such button.
	Drain func()

	// Allow decides who may see and do all of it, in place of the default: clients
	// on the same machine, not those that come by a proxy on it. It stands for the
	// whole check of who that is, as by package auth above or mutual TLS; Hosts, and
	// what keeps pages of other sites out, are looked at anyway.
	Allow func(r *http.Request) bool

	// Hosts are names under which the page may be reached besides localhost and
	// loopback addresses, without a port. Any other Host is refused: a foreign page
	// could have pointed its own name here (DNS rebinding).
	Hosts []string

	// Logger is told who was refused, once a second at most, and of each kick and
	// drain. Default slog.Default().
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	for _, source := range o.Sources {
		if source == nil {
			panic("inspect: Options.Sources has a nil Source")
		}
	}
	for name, layer := range o.Layers {
		if layer == nil {
			panic("inspect: Options.Layers has a nil Layer: " + name)
		}
	}
	for name, b := range o.Bridges {
		if b == nil {
			panic("inspect: Options.Bridges has a nil Bridge: " + name)
		}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}
