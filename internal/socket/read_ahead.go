package socket

import "errors"

// readAhead is what the watcher has read, and what else an inbound has only where others
// than the app come to read. It is guarded by the inbound's mu.
type readAhead struct {
	messages []Message     // read and not received yet
	bytes    int           // that they hold
	left     *parser       // after them, all that a peer sent before it hung up
	wake     chan struct{} // has a waiting Read look again
	nudge    chan struct{} // has a paused watcher look again
	paused   bool          // the watcher waits for room
	asked    func()        // see OnAsk
	free     chan struct{} // closed when nobody reads, for the closer
}

// aside returns what there is to be of readAhead. The caller holds mu.
func (in *inbound) aside() *readAhead {
	if in.away == nil {
		in.away = &readAhead{wake: make(chan struct{}, 1), nudge: make(chan struct{}, 1)}
	}
	return in.away
}

// readerGone notes that nobody reads.
func (r *readAhead) readerGone() {
	r.paused = false
	if r.free != nil {
		close(r.free)
		r.free = nil
	}
}

// holds reports whether there is something for the app.
func (r *readAhead) holds() bool { return len(r.messages) > 0 || r.left != nil }

// appIsAway makes this goroutine the watcher, if there is need of one.
func (c *Conn) appIsAway() {
	in := &c.in
	in.mu.Lock()
	switch {
	case c.Ended() != nil:
	case in.reader == nobody:
		in.reader = watcher
		in.aside()
		in.mu.Unlock()
		c.watch()
		return
	case in.reader == watcher && in.away.paused && !in.away.full(c):
		in.away.paused = false
		in.nudgeReader()
	}
	in.mu.Unlock()
}

// watch reads ahead until the app wants to read itself or the socket is over.
func (c *Conn) watch() {
	c.in.parser.others()
	for {
		m, err := c.nextMessage()
		if err == nil && !c.beat(m) {
			err = c.in.push(m)
			c.in.rouse()
		}
		if err == errFull {
			err = c.watchHangup()
		}
		if err != nil {
			c.stopReading(err)
			c.in.rouse()
			return
		}
	}
}

var errFull = errors.New("socket: read far enough ahead")

func (in *inbound) push(m Message) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.away.messages = append(in.away.messages, m)
	in.away.bytes += cap(m.Data)
	in.got.add(len(m.Data))
	switch {
	case in.handOver:
		return errHandOver
	case in.away.full(in.c):
		in.away.paused = true
		return errFull
	}
	return nil
}

// pop takes the next message that was read already. The caller holds mu.
func (in *inbound) pop() (m Message, ok bool) {
	r := in.away
	if r == nil {
		return m, false
	}
	if len(r.messages) == 0 {
		return in.popLeft()
	}
	m, r.messages[0] = r.messages[0], Message{}
	r.messages = r.messages[1:]
	r.bytes -= cap(m.Data)
	if len(r.messages) == 0 {
		r.messages = nil
	}
	return m, true
}

// popLeft takes the next message that a peer left behind which has hung up.
func (in *inbound) popLeft() (m Message, ok bool) {
	r := in.away
	for r.left != nil {
		switch what, err := r.left.next(); {
		case err != nil, what == foundNothing,
			what == foundControl && r.left.control().opcode == opClose:
			r.left = nil
		case what == foundMessage:
			m = r.left.takeWhole()
			in.got.add(len(m.Data))
			return m, true
		}
	}
	return m, false
}

// full reports whether nothing more is read ahead. A message of any size fits an
// empty read-ahead.
func (r *readAhead) full(c *Conn) bool {
	return len(r.messages) >= c.made.options.ReadAhead || r.bytes >= readAheadBytes
}

const readAheadBytes = 1 << 20
