package nethttp

import (
	"errors"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/meter"
)

// Stats is a Gateway's state at one moment. Gauges say how many there are now, the
// rest counts since the Gateway was made.
type Stats struct {
	// Live counts the conversations a drain waits for: all WebSockets, and the
	// HTTP conversations whose app waits for their end.
	Live     int
	Draining bool

	Requests   int // gauge: HTTP requests, in the app or the handler
	WebSockets int // gauge: open sockets, until their app has returned

	Served   uint64 // HTTP requests that have ended
	Accepted uint64 // handshakes that became WebSockets
	Denied   uint64 // handshakes that an app was asked about and that became none
	Refused  uint64 // handshakes that no app was asked about: draining, malformed, foreign

	CloseCodes  CloseCodes  // WebSockets that have ended, by close code
	CloseCauses CloseCauses // the same, by what has ended them

	// SlowConsumers counts the conversations that were cut because their clients
	// took nothing of what was sent to them.
	SlowConsumers uint64

	// Panics counts apps and handlers that did not return, but panicked, also with
	// http.ErrAbortHandler, or ended their goroutine.
	Panics uint64

	// Leaked counts apps and handlers that went on when their conversation was long
	// over: see Options.LeakAfter.
	Leaked uint64

	// Messages of WebSockets, and their bytes before compression.
	MessagesIn, MessagesOut uint64
	BytesIn, BytesOut       uint64

	// HandlerTime is how long requests have taken, in seconds, of one in sixteen: a
	// look at the clock costs more than all other figures together. Streams are
	// among them.
	HandlerTime Histogram

	// QueueDepth is how many messages waited to be written to a WebSocket, each
	// time one more was sent, and with it. 0 means that nobody waited.
	QueueDepth Histogram
}

// Stats returns the Gateway's state. The figures may be some apart while
// conversations come and go.
func (g *Gateway) Stats() Stats {
	stats := Stats{
		Live: g.live.len(), Draining: g.draining.Load(),
		Denied: g.denied.Load(), Refused: g.refused.Load(),
		SlowConsumers: g.slow.Load(), Panics: g.panics.Load(), Leaked: g.leaks.Leaked(),
	}
	g.requests.addTo(&stats)
	g.sockets.addTo(&stats)
	if g.upgrader == nil { // of middleware without a gateway above
		return stats
	}
	traffic := g.upgrader.Traffic()
	stats.MessagesIn, stats.BytesIn = traffic.MessagesIn, traffic.BytesIn
	stats.MessagesOut, stats.BytesOut = traffic.MessagesOut, traffic.BytesOut
	stats.QueueDepth = Histogram{traffic.Depth, float64(traffic.DepthSum)}
	return stats
}

func (q *requests) addTo(stats *Stats) {
	var nanoseconds uint64
	for s := range q.made() {
		s.mu.Lock()
		stats.Requests += s.live
		stats.Served += s.served
		stats.Panics += s.broken
		s.mu.Unlock()
		s.times.AddTo(&stats.HandlerTime.Counts, &nanoseconds)
	}
	stats.HandlerTime.Sum = float64(nanoseconds) / 1e9
}

func (e *socketEnds) addTo(stats *Stats) {
	e.Lock()
	defer e.Unlock()
	stats.WebSockets, stats.Accepted = e.open, e.accepted
	stats.CloseCodes, stats.CloseCauses = e.codes, e.causes
}

// count takes account of how a conversation has ended.
func (g *Gateway) count(cause error) {
	if errors.Is(cause, parley.ErrSlowConsumer) {
		g.slow.Add(1)
	}
}

// countPanic takes account of how the app of a WebSocket has ended.
func (g *Gateway) countPanic(err error) {
	if errors.As(err, new(*parley.PanicError)) || errors.Is(err, parley.ErrGoexit) {
		g.panics.Add(1)
	}
}

// Add adds what another Gateway has counted, for the sum of several.
func (s *Stats) Add(more Stats) {
	s.Live += more.Live
	s.Draining = s.Draining || more.Draining
	s.Requests += more.Requests
	s.WebSockets += more.WebSockets
	s.Served += more.Served
	s.Accepted += more.Accepted
	s.Denied += more.Denied
	s.Refused += more.Refused
	addEach(s.CloseCodes[:], more.CloseCodes[:])
	addEach(s.CloseCauses[:], more.CloseCauses[:])
	s.SlowConsumers += more.SlowConsumers
	s.Panics += more.Panics
	s.Leaked += more.Leaked
	s.MessagesIn += more.MessagesIn
	s.MessagesOut += more.MessagesOut
	s.BytesIn += more.BytesIn
	s.BytesOut += more.BytesOut
	s.HandlerTime.add(more.HandlerTime)
	s.QueueDepth.add(more.QueueDepth)
}

func addEach(into, more []uint64) {
	for i := range into {
		into[i] += more[i]
	}
}

// Histogram counts values by buckets.
type Histogram struct {
	Counts [meter.Buckets]uint64 // the last one has what is above all bounds
	Sum    float64               // of the values
}

// Count is the number of values.
func (h Histogram) Count() (n uint64) {
	for _, count := range h.Counts {
		n += count
	}
	return n
}

func (h *Histogram) add(more Histogram) {
	addEach(h.Counts[:], more.Counts[:])
	h.Sum += more.Sum
}

// HandlerTimeBounds returns the upper bounds of Stats.HandlerTime, in seconds. The last
// bucket has none.
func HandlerTimeBounds() []float64 {
	bounds := make([]float64, len(timeBounds))
	for i, bound := range timeBounds {
		bounds[i] = bound.Seconds()
	}
	return bounds
}

// QueueDepthBounds returns the upper bounds of Stats.QueueDepth, in messages. The last
// bucket has none.
func QueueDepthBounds() []float64 {
	bounds := make([]float64, meter.Buckets-1)
	for i := range bounds {
		bounds[i] = float64(meter.DepthBound(i))
	}
	return bounds
}
