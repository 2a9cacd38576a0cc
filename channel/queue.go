package channel

// queue is a bounded FIFO of unread messages: data without a lock. Its ring
// grows with need and is given back when the queue runs empty, so that an idle
// inbox holds no buffer.
type queue struct {
	limit Capacity
	ring  []entry // its length is a power of two
	head  uint64  // sequence number of the oldest entry
	tail  uint64  // sequence number of the next entry
	bytes int
	keyed map[string]uint64 // key -> sequence number of its unread entry
}

type entry struct {
	message  Message
	size     int
	deadline int64  // on the layer's clock
	key      string // "" is not coalesced
}

const (
	smallestRing = 8
	keptRing     = 64 // an empty queue keeps a ring of this size
)

//parley:inline
func (q *queue) len() int { return int(q.tail - q.head) }

//parley:inline
func (q *queue) at(seq uint64) *entry { return &q.ring[seq&uint64(len(q.ring)-1)] }

// fits reports whether there is room for size bytes more. An empty queue takes
// anything: else a message larger than the limit could never be delivered.
//
//parley:inline
func (q *queue) fits(size int) bool {
	return q.tail == q.head || q.len() < q.limit.Messages && q.bytes+size <= q.limit.Bytes
}

func (q *queue) push(e entry) {
	if q.len() == len(q.ring) {
		q.grow()
	}
	if e.key != "" {
		if q.keyed == nil {
			q.keyed = make(map[string]uint64)
		}
		q.keyed[e.key] = q.tail
	}
	*q.at(q.tail) = e
	q.tail++
	q.bytes += e.size
}

// pop takes the oldest entry of a queue that is not empty.
func (q *queue) pop() entry {
	slot := q.at(q.head)
	e := *slot
	*slot = entry{} // let go of the payload
	if e.key != "" {
		delete(q.keyed, e.key)
	}
	q.head++
	q.bytes -= e.size
	if q.head == q.tail && len(q.ring) > keptRing {
		q.ring, q.keyed = nil, nil
	}
	return e
}

// replace puts e in the place of the unread entry that has its key. One of a log goes
// behind the others, whose positions are before its own.
func (q *queue) replace(e entry) bool {
	seq, found := q.keyed[e.key]
	if !found {
		return false
	}
	if e.message.kept != nil {
		q.remove(seq)
		q.push(e)
		return true
	}
	slot := q.at(seq)
	q.bytes += e.size - slot.size
	*slot = e
	return true
}

// remove takes out an entry, and moves up those behind it.
func (q *queue) remove(seq uint64) {
	q.bytes -= q.at(seq).size
	delete(q.keyed, q.at(seq).key)
	for ; seq+1 < q.tail; seq++ {
		*q.at(seq) = *q.at(seq + 1)
		if key := q.at(seq).key; key != "" {
			q.keyed[key] = seq
		}
	}
	q.tail--
	*q.at(q.tail) = entry{}
}

// over reports whether a replacement has made the queue too large.
//
//parley:inline
func (q *queue) over() bool { return q.bytes > q.limit.Bytes && q.len() > 1 }

func (q *queue) grow() {
	ring := make([]entry, max(smallestRing, 2*len(q.ring)))
	for seq := q.head; seq != q.tail; seq++ {
		ring[seq&uint64(len(ring)-1)] = *q.at(seq)
	}
	q.ring = ring
}
