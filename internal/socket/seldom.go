package socket

// seldom is what an outbound has only while peers are slow, pings are answered, or
// somebody waits: an idle socket has none of it.
type seldom struct {
	control []byte        // pings and pongs, which overtake what waits
	room    chan struct{} // closed when there is room again, made by who waits
	flushed chan struct{} // closed when nothing is left to write, made by who waits
}

// rarely returns what there is to be of seldom. The caller holds mu.
//
//go:noinline
func (o *outbound) rarely() *seldom {
	if o.seldom == nil {
		o.seldom = new(seldom)
	}
	return o.seldom
}

// controls reports whether control frames wait. The caller holds mu.
//
//parley:inline
func (o *outbound) controls() bool { return o.seldom != nil && len(o.seldom.control) > 0 }

// drained is called when nothing is left to write. The caller holds mu.
func (o *outbound) drained() {
	o.seldom.tellFlushed()
	if o.seldom.room == nil {
		o.seldom = nil
	}
}

func (s *seldom) tellRoom() {
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}

func (s *seldom) tellFlushed() {
	if s.flushed != nil {
		close(s.flushed)
		s.flushed = nil
	}
}
