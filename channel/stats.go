package channel

import "sync/atomic"

// Stats is a count of what has happened to messages, and of what is there now.
//
// Every send adds to Enqueued or to Dropped, once for each inbox that it
// matched. What was enqueued is later Received, Evicted, Coalesced, Expired or
// Discarded; until then it is Unread. Messages taken by sinks count as received.
type Stats struct {
	Enqueued  uint64 // taken by an inbox or a sink
	Dropped   uint64 // not taken: no room, or nobody there
	Received  uint64 // read
	Evicted   uint64 // pushed out by a newer one
	Coalesced uint64 // replaced by a newer one with the same key
	Expired   uint64 // not read in time
	Discarded uint64 // unread when the inbox was closed or flushed
	Unread    int    // gauge: waiting to be read
}

// LayerStats is Stats over all inboxes a layer has had, and the layer's gauges.
type LayerStats struct {
	Stats
	Inboxes int // gauge: open inboxes
	Groups  int // gauge: groups with a member here
	Members int // gauge: memberships

	Published     uint64 // envelopes given to the transport
	BadEnvelopes  uint64 // from the transport, not understood and skipped
	Subscriptions int    // gauge: subjects subscribed to

	Resyncs uint64 // notices that messages may have been missed, one for each inbox
	Gaps    uint64 // in kept groups, one for each group

	// Mismatches is how often another layer was found to keep a group in another way than
	// this one, or not at all: messages are lost then. See Options.History.
	Mismatches uint64
}

// counters are written from anywhere. An inbox counts what happens to it, and
// the shard of its name, or of the group, counts once more for the layer: so that
// a layer's figures outlive inboxes, and busy inboxes do not fight for one word.
type counters [counterCount]atomic.Uint64

type counter int

const (
	countDropped counter = iota
	countReceived
	countEvicted
	countEnqueued // this and those up to countPublished: not a sink's
	countCoalesced
	countExpired
	countDiscarded
	countPublished // this and what follows: never an inbox's
	countBadEnvelopes
	counterCount
)

//parley:inline
func (c *counters) add(which counter, n int) { c[which].Add(uint64(n)) }

// counterOf returns one of the inbox's own.
//
//parley:inline
func (in *Inbox) counterOf(which counter) *atomic.Uint64 {
	if which < countEnqueued {
		return &in.count[which]
	}
	return &in.counts[which-countEnqueued]
}

// sent counts a direct send that ended with err.
//
//parley:inline
func (c *counters) sent(err error) {
	if err == nil {
		c.add(countEnqueued, 1)
	} else {
		c.add(countDropped, 1)
	}
}

// tally counts for the inbox and for the layer.
func (in *Inbox) tally(which counter) {
	in.counterOf(which).Add(1)
	in.shard.count.add(which, 1)
}

// counted returns what the inbox has counted.
func (in *Inbox) counted() (sum *counters) {
	sum = new(counters)
	for which := range countPublished {
		if which < countEnqueued || in.unread != nil {
			sum[which].Store(in.counterOf(which).Load())
		}
	}
	return sum
}

// Stats returns the inbox's counts. They go on being readable when it is closed.
func (in *Inbox) Stats() Stats {
	in.mu.Lock()
	defer in.mu.Unlock()
	stats := statsOf(in.counted()[:])
	for _, m := range in.groups.all() {
		stats.Received += uint64(m.followed())
	}
	if in.unread == nil {
		stats.Enqueued = stats.Received + stats.Evicted
	}
	if in.unread != nil {
		stats.Unread = in.queue.len()
	}
	return stats
}

// Stats returns the layer's counts and gauges. While messages are under way the
// figures may be some apart; when all is still they are exact.
func (l *Layer) Stats() LayerStats {
	var sum counters
	var stats LayerStats
	var unread int
	for i := range l.shards {
		s := &l.shards[i]
		for which := range s.count {
			sum[which].Add(s.count[which].Load())
		}
		s.mu.RLock()
		stats.Inboxes += len(s.inboxes)
		stats.Groups += len(s.groups)
		stats.Members += s.members
		s.mu.RUnlock()
		for _, in := range s.all() {
			unread += in.waiting()
		}
	}
	stats.Stats = statsOf(sum[:])
	stats.Unread = unread
	stats.Published = sum[countPublished].Load()
	stats.BadEnvelopes = sum[countBadEnvelopes].Load()
	stats.Resyncs, stats.Gaps = l.resyncs.Load(), l.gaps.Load()
	stats.Mismatches = l.rules.mismatches.Load()
	if l.wire != nil {
		stats.Subscriptions = l.wire.subscriptions()
	}
	return stats
}

// waiting returns how many messages are unread.
func (in *Inbox) waiting() int {
	if in.unread == nil {
		return 0
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.queue.len()
}

func statsOf(c []atomic.Uint64) Stats {
	return Stats{
		Enqueued:  c[countEnqueued].Load(),
		Dropped:   c[countDropped].Load(),
		Received:  c[countReceived].Load(),
		Evicted:   c[countEvicted].Load(),
		Coalesced: c[countCoalesced].Load(),
		Expired:   c[countExpired].Load(),
		Discarded: c[countDiscarded].Load(),
	}
}
