package socket

import (
	"errors"
	"os"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/meter"
	"github.com/parleygo/parley/internal/protocol"
)

// Beat has pings that are messages answered while the app is away.
func (c *Conn) Beat() {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.in.beats = true
}

// beat answers a message that is a ping, if it is to, and reports whether it was one. A
// peer that does not read has no use for an answer.
func (c *Conn) beat(m Message) (pinged bool) {
	if !protocol.IsPing(m.Type, m.Data) {
		return false
	}
	c.in.mu.Lock()
	beats := c.in.beats
	if beats {
		c.in.got.add(len(m.Data))
	}
	c.in.mu.Unlock()
	if beats {
		_ = c.Offer(parley.WebSocketSend{Data: pong})
	}
	return beats
}

var pong = []byte(protocol.Pong)

// nextMessage reads until a message is whole, and deals with control frames on
// the way. The caller is the reader.
func (c *Conn) nextMessage() (m Message, err error) {
	for m, err = c.advance(); err == errMissing; m, err = c.advance() {
		c.in.tried(c.readOnce())
	}
	return m, err
}

// errMissing is met by a reader who is to wait for bytes, and to go on then.
var errMissing = errors.New("socket: bytes are missing")

// advance deals with what was read, up to the end of a message, or to where more must
// be read.
//
//parley:noescape
func (c *Conn) advance() (Message, error) {
	in := &c.in
	err := in.heardOf()
	for err == nil {
		var what found
		if what, err = in.parser.next(); err != nil {
			break
		}
		switch what {
		case foundMessage:
			return in.parser.takeWhole(), nil
		case foundControl:
			err = c.handleControl(in.parser.control())
		default:
			err = in.awaitMore()
		}
	}
	return Message{}, err
}

// tried takes note of how a wait for bytes has ended.
//
//parley:inline
func (in *inbound) tried(err error) {
	in.waited = true
	if err != nil {
		in.failing().attempt = err
	}
}

// heardOf takes account of the last wait. The heartbeat is its deadline.
//
//parley:noescape
func (in *inbound) heardOf() error {
	switch {
	case !in.waited:
		return nil
	case in.failed == nil || in.failed.attempt == nil:
		in.waited, in.pinged, in.heard = false, false, meter.Now()
		return nil
	}
	in.waited = false
	err := in.attempted(nil)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return in.deadlinePassed()
	}
	return err
}

//go:noinline
func (in *inbound) deadlinePassed() (err error) {
	in.armed = false
	elsewhere(func() { err = in.c.heartbeat() })
	return err
}

// awaitMore sees to it that a wait for bytes ends when it should.
func (in *inbound) awaitMore() error {
	if in.armed {
		return errMissing
	}
	armed := false
	elsewhere(func() { armed = in.arm() })
	if !armed {
		return errHandOver
	}
	return errMissing
}

// elsewhere runs f on another goroutine, for the sake of this one's stack: once it has
// grown it stays large.
func elsewhere(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// arm sets the read deadline: when the heartbeat is due. It refuses when
// somebody else wants to read.
//
//parley:noescape
func (in *inbound) arm() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.handOver {
		return false
	}
	var due time.Time
	if interval := in.c.made.options.PingInterval; interval > 0 {
		due = time.Now().Add(interval - (meter.Now() - in.heard))
		if in.pinged {
			due = due.Add(in.c.made.options.PongTimeout)
		}
	}
	in.c.net.SetReadDeadline(due)
	in.armed = true
	return true
}

// heartbeat is called when a read deadline has passed, meant or not.
func (c *Conn) heartbeat() error {
	in := &c.in
	interval := c.made.options.PingInterval
	silent := meter.Now() - in.heard
	switch {
	case interval <= 0 || silent < interval:
	case !in.pinged:
		in.pinged = true
		return c.out.ping()
	case silent >= interval+c.made.options.PongTimeout:
		return parley.ErrIdle
	}
	return nil
}

// readOnce reads once from the wire.
//
//parley:noescape
func (c *Conn) readOnce() error {
	in := &c.in
	if c.hasRaw {
		return in.attempted(c.raw.wait(in.attempt))
	}
	into, direct := in.parser.target()
	n, err := c.net.Read(into)
	in.parser.took(n, direct)
	if n > 0 {
		return nil
	}
	return err
}

// attempted returns what the wait for an attempt has ended with.
func (in *inbound) attempted(err error) error {
	if in.failed == nil {
		return err
	}
	if err == nil {
		err = in.failed.attempt
	}
	if in.failed.attempt = nil; in.failed.met == nil {
		in.failed = nil // a heartbeat is one, too
	}
	return err
}

// readAttempt reads what the kernel has. While it has nothing no buffer is held.
//
//parley:noescape
func (in *inbound) readAttempt(fd uintptr) bool {
	into, direct := in.parser.target()
	n, again, err := readNow(fd, into)
	if again {
		in.parser.unread.rest()
		return false
	}
	if err != nil {
		in.failing().attempt = err
	} else {
		in.parser.took(n, direct)
	}
	return true
}
