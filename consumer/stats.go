package consumer

import "sync/atomic"

// Stats counts what has happened to the clients of an App since it was made. What
// is sent to groups is counted by the layer; see channel.Stats.
type Stats struct {
	Connections int // gauge: clients served now, waiting for their handshake included

	Opened uint64 // clients that have arrived
	Denied uint64 // by Connect
	Slow   uint64 // closed because they or their handlers fell behind

	Received uint64 // messages of clients
	Ignored  uint64 // of those: nothing takes messages
	Refused  uint64 // of those: not decodable, or of the wrong kind

	Requests    uint64 // of those: ask for an answer
	Failed      uint64 // of all: the handler returned an *Error, or a request went wrong
	UnknownType uint64 // of all: of a type without a handler

	Resumed uint64 // groups in which clients that came back went on

	// Layer messages that were lost after the layer had counted them as taken.
	Unknown    uint64 // no handler, or not decodable
	Unsendable uint64 // not fit for a client, such as text that is not UTF-8
	Evicted    uint64 // pushed out by a newer one
	Coalesced  uint64 // replaced by a newer one with the same key
	Discarded  uint64 // waiting when the connection ended
}

type counter int

const (
	countOpened counter = iota
	countClosed
	countDenied
	countSlow
	countReceived
	countIgnored
	countRefused
	countRequests
	countFailed
	countUnknownType
	countResumed
	countUnknown
	countUnsendable
	countEvicted
	countCoalesced
	countDiscarded
	counterCount
)

type counters [counterCount]atomic.Uint64

func (c *counters) add(which counter)         { c[which].Add(1) }
func (c *counters) addN(which counter, n int) { c[which].Add(uint64(n)) }

// Stats returns the counts. They may be some apart while messages are under way.
func (a *App) Stats() Stats {
	c := &a.counters
	closed := c[countClosed].Load() // first, so that the gauge is never negative
	opened := c[countOpened].Load()
	return Stats{
		Connections: int(opened - closed),
		Opened:      opened,
		Denied:      c[countDenied].Load(),
		Slow:        c[countSlow].Load(),
		Received:    c[countReceived].Load(),
		Ignored:     c[countIgnored].Load(),
		Refused:     c[countRefused].Load(),
		Requests:    c[countRequests].Load(),
		Failed:      c[countFailed].Load(),
		UnknownType: c[countUnknownType].Load(),
		Resumed:     c[countResumed].Load(),
		Unknown:     c[countUnknown].Load(),
		Unsendable:  c[countUnsendable].Load(),
		Evicted:     c[countEvicted].Load(),
		Coalesced:   c[countCoalesced].Load(),
		Discarded:   c[countDiscarded].Load(),
	}
}
