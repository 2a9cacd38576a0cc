package socket

// traffic counts messages and their bytes in one direction.
type traffic struct{ messages, bytes uint64 }

//parley:inline
func (t *traffic) add(bytes int) {
	t.messages++
	t.bytes += uint64(bytes)
}

// State is what there is to see of a socket at one moment.
type State struct {
	Queued, QueuedBytes   int // to be written, or being written
	Unread                int // messages read ahead
	MessagesIn, BytesIn   uint64
	MessagesOut, BytesOut uint64
}

// State looks at the socket.
func (c *Conn) State() (s State) {
	c.in.mu.Lock()
	s.MessagesIn, s.BytesIn = c.in.got.messages, c.in.got.bytes
	if c.in.away != nil {
		s.Unread = len(c.in.away.messages)
	}
	c.in.mu.Unlock()
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	s.Queued, s.QueuedBytes = c.out.depth(), len(c.out.waiting)+c.out.flyingB
	s.MessagesOut, s.BytesOut = c.out.sent.messages, c.out.sent.bytes
	if c.out.place != nil {
		waiting := c.out.place.Waiting()
		s.Queued, s.QueuedBytes = s.Queued+waiting.Messages, s.QueuedBytes+len(waiting.Frames)
		s.MessagesOut += uint64(waiting.Messages)
		s.BytesOut += uint64(len(waiting.Frames))
	}
	return s
}
