package socket

import "sync"

// slabSize is how much is made at a time for messages that are read into bytes of their
// own. To make each alone takes Go much longer where two of them fill a span of its heap.
const slabSize = 16 << 10

// A message that is kept keeps its slab, so those that are cut from one have a fifth of it
// at least. They have a quarter at most, for what is left at its end is lost.
const (
	leastCut = slabSize/5 + 1
	mostCut  = slabSize / 4
)

// slab is what is not cut yet.
type slab struct{ rest []byte }

var slabs = sync.Pool{New: func() any { return new(slab) }}

// cut returns an empty slice with room for a message of n bytes and for no more, or nil if
// such a message is best made alone.
func cut(n int) []byte {
	if n < leastCut || n > mostCut {
		return nil
	}
	s := slabs.Get().(*slab)
	if len(s.rest) < n {
		s.rest = make([]byte, slabSize)
	}
	piece := s.rest[:0:n]
	s.rest = s.rest[n:]
	slabs.Put(s)
	return piece
}
