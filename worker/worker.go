package worker

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/wiring"
)

// Worker has an app deal with the messages sent to named channels. Make one with
// New. Its methods may be called from any goroutine.
type Worker struct {
	options Options
	layer   *channel.Layer
	app     parley.App
	names   []channel.Name

	listens sync.Once
	ready   chan struct{}
	count   struct{ done, retried, returned, dead atomic.Uint64 }
}

// New makes a Worker that has app deal with the messages sent to the channels of
// these names, which are general ones. The app is often a router.Channels, whose
// entries are made by Job. New panics on mistakes in the wiring: without a layer,
// an app or a name, and for names that are invalid or there twice.
func New(layer *channel.Layer, app parley.App, names []channel.Name, options Options) *Worker {
	if layer == nil {
		panic("worker: New of a nil layer")
	}
	wiring.Need("worker: New", "app", app)
	if len(names) == 0 {
		panic("worker: New without the name of a channel")
	}
	for i, name := range names {
		if _, err := channel.ParseName(string(name)); err != nil {
			panic("worker: New: " + err.Error())
		}
		if slices.Contains(names[:i], name) {
			panic(fmt.Sprintf("worker: New: two times the channel %q", name))
		}
	}
	return &Worker{
		options: options.withDefaults(), layer: layer, app: app,
		names: slices.Clone(names), ready: make(chan struct{}),
	}
}

// Ready returns a channel that is closed when Run listens to all channels, for
// the first time: from then on nothing that is sent to them misses the worker.
func (w *Worker) Ready() <-chan struct{} { return w.ready }

// Stats counts messages since the Worker was made.
type Stats struct {
	Done     uint64 // dealt with
	Retried  uint64 // attempts after the first
	Returned uint64 // sent back to their channel when Run ended
	Dead     uint64 // failed for good
}

// Stats returns the counts. It may be called at any time.
func (w *Worker) Stats() Stats {
	return Stats{
		Done: w.count.done.Load(), Retried: w.count.retried.Load(),
		Returned: w.count.returned.Load(), Dead: w.count.dead.Load(),
	}
}
