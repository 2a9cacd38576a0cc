package socket

import "errors"

// appIsAway makes this goroutine the watcher, if there is need of one.
func (c *Conn) appIsAway() {
	in := &c.in
	in.mu.Lock()
	switch {
	case c.Ended() != nil:
	case in.reader == nobody:
		in.reader = watcher
		if in.wake == nil {
			in.wake = make(chan struct{}, 1)
			in.nudge = make(chan struct{}, 1)
		}
		in.mu.Unlock()
		c.watch()
		return
	case in.reader == watcher && in.paused && !in.full():
		in.paused = false
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
	in.ahead = append(in.ahead, m)
	in.bytes += cap(m.Data)
	in.got.add(len(m.Data))
	switch {
	case in.handOver:
		return errHandOver
	case in.full():
		in.paused = true
		return errFull
	}
	return nil
}

// pop takes the next message that was read already. The caller holds mu.
func (in *inbound) pop() (m Message, ok bool) {
	if len(in.ahead) == 0 {
		return in.popLeft()
	}
	m, in.ahead[0] = in.ahead[0], Message{}
	in.ahead = in.ahead[1:]
	in.bytes -= cap(m.Data)
	if len(in.ahead) == 0 {
		in.ahead = nil
	}
	return m, true
}

// popLeft takes the next message that a peer left behind which has hung up.
func (in *inbound) popLeft() (m Message, ok bool) {
	for in.left != nil {
		switch what, err := in.left.next(); {
		case err != nil, what == foundNothing,
			what == foundControl && in.left.control().opcode == opClose:
			in.left = nil
		case what == foundMessage:
			m = in.left.takeWhole()
			in.got.add(len(m.Data))
			return m, true
		}
	}
	return m, false
}

// full reports whether nothing more is read ahead. A message of any size fits an
// empty read-ahead.
func (in *inbound) full() bool {
	return len(in.ahead) >= in.c.made.options.ReadAhead || in.bytes >= readAheadBytes
}

const readAheadBytes = 1 << 20
