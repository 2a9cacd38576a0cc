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
	layer   *channel.Layer // or else queue
	queue   *Queue
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
	return newWorker(&Worker{options: options, layer: layer, app: app, names: names},
		"worker: New", func(name channel.Name) error {
			_, err := channel.ParseName(string(name))
			return err
		})
}

// NewDurable makes a Worker that has app deal with the messages that were sent by the
// queue to the channels of these names. It panics on mistakes in the wiring, as New
// does.
func NewDurable(queue *Queue, app parley.App, names []channel.Name, options Options) *Worker {
	if queue == nil {
		panic("worker: NewDurable of a nil queue")
	}
	return newWorker(&Worker{options: options, queue: queue, app: app, names: names},
		"worker: NewDurable", checkGeneral)
}

func newWorker(w *Worker, maker string, check func(channel.Name) error) *Worker {
	wiring.Need(maker, "app", w.app)
	if len(w.names) == 0 {
		panic(maker + " without the name of a channel")
	}
	for i, name := range w.names {
		if err := check(name); err != nil {
			panic(maker + ": " + err.Error())
		}
		if slices.Contains(w.names[:i], name) {
			panic(fmt.Sprintf("%s: two times the channel %q", maker, name))
		}
	}
	w.options, w.names = w.options.withDefaults(), slices.Clone(w.names)
	w.ready = make(chan struct{})
	return w
}

// Ready returns a channel that is closed when Run listens to all channels, for
// the first time: from then on nothing that is sent to them misses the worker. What a
// Queue keeps never does.
func (w *Worker) Ready() <-chan struct{} { return w.ready }

// Stats counts messages since the Worker was made.
type Stats struct {
	Done     uint64 // dealt with
	Retried  uint64 // attempts after the first
	Returned uint64 // left to others when Run ended
	Dead     uint64 // failed for good
}

// Stats returns the counts. It may be called at any time.
func (w *Worker) Stats() Stats {
	return Stats{
		Done: w.count.done.Load(), Retried: w.count.retried.Load(),
		Returned: w.count.returned.Load(), Dead: w.count.dead.Load(),
	}
}
