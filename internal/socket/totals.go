package socket

import (
	"math/rand/v2"
	"sync/atomic"

	"github.com/parleygo/parley/internal/meter"
)

// Traffic counts the messages of an Upgrader's sockets. Bytes are those that the app
// has, before compression.
type Traffic struct {
	MessagesIn, MessagesOut uint64
	BytesIn, BytesOut       uint64

	// Depth counts the messages out by how many had to wait in the queue with each, in
	// the buckets of meter.Depth, and DepthSum adds them up.
	Depth    [meter.Buckets]uint64
	DepthSum uint64
}

// counters are the counts of some of the sockets: of all in one place, the processors
// would fight for it.
type counters struct {
	in, inBytes, outBytes atomic.Uint64
	depth                 meter.Histogram // of the messages out
	_                     [64]byte        // the next ones' lines are others' to write
}

// totals are made when sockets take them: where each route has an Upgrader, most have few
// sockets or none.
type totals [32]atomic.Pointer[counters] // a power of two

// some returns which counters are a new socket's.
func (t *totals) some() uint8 {
	share := uint8(rand.Uint32() % uint32(len(t)))
	if at := &t[share]; at.Load() == nil {
		at.CompareAndSwap(nil, new(counters))
	}
	return share
}

// Traffic returns the counts. They may be some apart while messages are under way.
func (u *Upgrader) Traffic() (sum Traffic) {
	for i := range u.totals {
		c := u.totals[i].Load()
		if c == nil {
			continue
		}
		sum.MessagesIn += c.in.Load()
		sum.BytesIn += c.inBytes.Load()
		sum.BytesOut += c.outBytes.Load()
		c.depth.AddTo(&sum.Depth, &sum.DepthSum)
	}
	for _, n := range sum.Depth {
		sum.MessagesOut += n
	}
	return sum
}

// received counts a message that the app has received.
//
//parley:inline
func (c *counters) received(bytes int) {
	c.in.Add(1)
	c.inBytes.Add(uint64(bytes))
}

// sent counts a message that was taken, if it was.
//
//parley:inline
func (c *counters) sent(bytes int, err error) {
	if err == nil {
		c.outBytes.Add(uint64(bytes))
	}
}

// queued counts a message with which that many wait.
//
//parley:inline
func (c *counters) queued(depth int) { c.depth.Observe(meter.Depth(depth), uint64(depth)) }

// fed counts messages of a feed, of so many bytes, the first of which has depth others
// waiting with it.
func (c *counters) fed(messages, bytes, depth int) {
	c.outBytes.Add(uint64(bytes))
	c.depth.ObserveDepths(depth, messages)
}
