package socket

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/parleygo/parley"
)

// lingering says how the end of the TCP connection is waited for.
type lingering uint8

const (
	untilPeerCloses  lingering = iota // our close frame is out: await the peer's
	untilPeerHangsUp                  // the peer's is in, or can't be made out any more
)

// linger sees a socket to its end: what waits is written, with the close frame as
// the last; the peer's answer is awaited; and what it still sends is read and
// thrown away, since closing over unread bytes would reset the connection and
// cost the peer what it has not read yet. CloseTimeout bounds it all.
func (c *Conn) linger(how lingering) {
	defer c.cut()
	deadline := time.Now().Add(c.options.CloseTimeout)
	timer := time.NewTimer(c.options.CloseTimeout)
	defer timer.Stop()

	select {
	case <-c.out.flush():
	case <-c.gone:
		return
	case <-timer.C:
		return
	}
	if !c.in.becomeCloser(timer.C, c.gone) {
		return
	}
	c.net.SetReadDeadline(deadline)
	if how == untilPeerCloses && c.awaitClose() != nil {
		return
	}
	if half, ok := c.net.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		io.Copy(io.Discard, c.net)
	}
}

// becomeCloser waits until nobody else reads.
func (in *inbound) becomeCloser(timeout <-chan time.Time, gone <-chan struct{}) bool {
	for {
		in.mu.Lock()
		if in.reader == nobody {
			in.reader = closer
			in.mu.Unlock()
			return true
		}
		in.interrupt()
		if in.free == nil {
			in.free = make(chan struct{})
		}
		free := in.free
		in.mu.Unlock()
		select {
		case <-free:
		case <-timeout:
			return false
		case <-gone:
			return false
		}
	}
}

// awaitClose reads and drops messages until the peer's close frame. An error
// means that there will be none.
func (c *Conn) awaitClose() error {
	p := &c.in.parser
	for {
		what, err := p.next()
		if err != nil {
			return nil // no use looking for frames any more
		}
		switch what {
		case foundMessage:
			p.takeWhole()
		case foundControl:
			if p.control.opcode == opClose {
				return nil
			}
		default:
			if err := c.readOnce(); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					err = parley.ErrIdle
				}
				return err
			}
		}
	}
}
