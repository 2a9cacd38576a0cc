package inspect

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/internal/drain"
	"github.com/parleygo/parley/internal/meter"
	"github.com/parleygo/parley/sse"
)

// hello is the first event of a stream.
type hello struct {
	Token   string   `json:"token"`
	Host    string   `json:"host"`
	Process int      `json:"process"`
	Go      string   `json:"go"`
	Drains  bool     `json:"drains"` // there is somebody to ask for a drain
	Samples []sample `json:"samples"`
}

// watch sends a viewer what there is to see, once a second.
func (i *inspector) watch(ctx context.Context, stream *sse.Stream) error {
	r := stream.Scope().Request
	process := drain.From(r.Context())
	host, _ := os.Hostname()
	begin := hello{
		Token: i.token, Host: host, Process: os.Getpid(), Go: runtime.Version(),
		Drains:  i.options.Drain != nil || process != nil && process.Listens(),
		Samples: i.samples.since(meter.Now() - keptSamples*sampleEvery),
	}
	if err := send(ctx, stream, "hello", begin); err != nil {
		return err
	}
	wish := wishOf(r.URL.Query())
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		if err := send(ctx, stream, "view", i.look(process, wish)); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func send(ctx context.Context, stream *sse.Stream, name string, value any) error {
	data, _ := json.Marshal(value) // our own types
	return stream.Send(ctx, sse.Event{Name: name, Data: string(data)})
}

// sources are all that have conversations, each once: those of the options, and then
// those found. The page's own stream is its gateway's, and is not shown a second time.
func (i *inspector) sources(process *drain.Group) []Source {
	list := slices.Clone(i.options.Sources)
	if process == nil {
		return list
	}
	for who := range process.Members() {
		source, ok := who.(Source)
		listed := func(other Source) bool { return any(other) == who }
		if ok && who != any(i.stream) && !slices.ContainsFunc(i.options.Sources, listed) {
			list = append(list, source)
		}
	}
	return list
}

// look takes everything in.
func (i *inspector) look(process *drain.Group, wish wish) *view {
	now := time.Now().UnixMilli()
	v := &view{Now: now, Layers: []layer{}, Bridges: []bridging{},
		Closed: closed{Codes: map[string]uint64{}, Causes: map[string]uint64{}}}
	v.Sample = sample{at: meter.Now(), Now: now, Goroutines: runtime.NumGoroutine(), Heap: heap()}
	shown := first{wish: wish}
	var endings []parley.Ending
	for n, source := range i.sources(process) {
		v.count(source, n >= len(i.options.Sources))
		for c := range source.Conversations() {
			v.Live++
			v.Sample.add(c)
			shown.add(c)
		}
		endings = append(endings, source.Endings()...)
	}
	v.Sample.Requests += v.found.Requests
	v.Sample.Served += v.found.Served
	v.Rows, v.Matching = shown.rows(), shown.matching
	v.Ends = endsOf(endings)
	for _, name := range slices.Sorted(maps.Keys(i.options.Layers)) {
		v.Layers = append(v.Layers, layerOf(name, i.options.Layers[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(i.options.Bridges)) {
		shown := bridgeOf(name, i.options.Bridges[name])
		v.Sample.Calls += shown.Running
		v.Sample.Calling += shown.Queued
		v.Bridges = append(v.Bridges, shown)
	}
	i.samples.add(v.Sample)
	return v
}

// count adds the counts of a source to the sample. Requests go through the server's own
// gateway before those that are mounted below it: of what was found the one counts that
// has had most.
func (v *view) count(source Source, found bool) {
	s := &v.Sample
	switch source := source.(type) {
	case *nethttp.Gateway:
		stats := source.Stats()
		v.Draining = v.Draining || stats.Draining
		v.Closed.add(&stats)
		s.Sockets += stats.WebSockets
		if found {
			v.found.Requests = max(v.found.Requests, stats.Requests)
			v.found.Served = max(v.found.Served, stats.Served)
		} else {
			s.Requests += stats.Requests
			s.Served += stats.Served
		}
		s.In += stats.MessagesIn
		s.Out += stats.MessagesOut
		s.BytesIn += stats.BytesIn
		s.BytesOut += stats.BytesOut
		s.Slow += stats.SlowConsumers
	case *fallback.App:
		stats := source.Stats()
		s.Sessions += stats.Running
		s.In += stats.Received
		s.Out += stats.Sent
		s.Slow += stats.Slow
	}
}

func endsOf(endings []parley.Ending) []end {
	slices.SortFunc(endings, func(a, b parley.Ending) int { return b.Ended.Compare(a.Ended) })
	list := []end{}
	for _, e := range endings[:min(len(endings), maxEnds)] {
		list = append(list, end{rowOf(e.Conversation), e.Ended.UnixMilli(), e.Code,
			census.Clip(e.Cause.Error())})
	}
	return list
}

// heap is how many bytes live objects have, which stops nobody to find out.
func heap() uint64 {
	read := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(read)
	return read[0].Value.Uint64()
}
