package socket

import (
	"io"
	"time"

	"github.com/parleygo/parley"
)

// linger sees a socket to its end: a close frame that is held back gets its time,
// half of CloseTimeout; what waits is written, with the close frame as the last;
// the peer's answer is awaited, unless it has said all it will; and what it still
// sends is read and thrown away, since closing over unread bytes would reset the
// connection and cost the peer what it has not read yet. CloseTimeout bounds it all.
func (c *Conn) linger(held *farewell) {
	defer c.cut()
	timer := time.AfterFunc(c.made.options.CloseTimeout, c.cut)
	defer timer.Stop()
	if held != nil {
		hold := time.AfterFunc(c.made.options.CloseTimeout/2, c.sayFarewell)
		defer hold.Stop()
		select {
		case <-held.said:
		case <-c.Gone():
		}
	}
	select {
	case <-c.out.flush():
		c.noteGoodbye()
	case <-c.Gone():
		return
	}
	if !c.in.becomeCloser(c.Gone()) {
		return
	}
	c.in.parser.others()
	c.net.SetReadDeadline(time.Time{})
	failed := c.in.failing()
	if failed.met == nil { // else another reader has met the peer's close already
		failed.met = c.awaitClose()
	}
	if endOf(failed.met).Code == parley.CloseAbnormal {
		return
	}
	if half, ok := c.net.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		io.Copy(io.Discard, c.net)
	}
}

// becomeCloser waits until nobody else reads.
func (in *inbound) becomeCloser(gone <-chan struct{}) bool {
	for {
		free := in.tryCloser()
		if free == nil {
			return true
		}
		select {
		case <-free:
		case <-gone:
			return false
		}
	}
}

// tryCloser makes the caller the closer, or has the reader give up and returns
// when to ask again.
func (in *inbound) tryCloser() (free <-chan struct{}) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.reader == nobody {
		in.reader = closer
		return nil
	}
	in.interrupt()
	aside := in.aside()
	if aside.free == nil {
		aside.free = make(chan struct{})
	}
	return aside.free
}

// awaitClose reads and drops messages until the peer's close frame, or what comes
// in its place.
func (c *Conn) awaitClose() error {
	p := &c.in.parser
	p.skims = true
	for {
		what, err := p.next()
		switch {
		case err != nil:
			return err
		case what == foundMessage:
			p.takeWhole()
		case what == foundNothing:
			if err := c.readOnce(); err != nil {
				return err
			}
		case p.control().opcode == opClose:
			return parseClose(p.control().payload)
		}
	}
}
