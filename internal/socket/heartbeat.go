package socket

import (
	"errors"
	"os"
	"time"

	"github.com/parleygo/parley"
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
//
//parley:noescape
func (c *Conn) nextMessage() (Message, error) {
	p := &c.in.parser
	for {
		what, err := p.next()
		switch {
		case err != nil:
			return Message{}, err
		case what == foundMessage:
			return p.takeWhole(), nil
		case what == foundControl:
			err = c.handleControl(p.control)
		default:
			err = c.fill()
		}
		if err != nil {
			return Message{}, err
		}
	}
}

// fill reads once from the wire. The heartbeat is its deadline.
//
//parley:noescape
func (c *Conn) fill() error {
	in := &c.in
	for {
		if !in.armed && !in.arm() {
			return errHandOver
		}
		var err error
		if c.hasRaw { // here, where an idle socket waits, and not in a function below
			err = in.attempted(c.raw.wait(in.attempt))
		} else {
			err = c.readOnce()
		}
		if err == nil {
			in.heard, in.pinged = now(), false
			return nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		in.armed = false
		if err := c.heartbeat(); err != nil {
			return err
		}
	}
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
	if interval := in.c.options.PingInterval; interval > 0 {
		due = time.Now().Add(interval - (now() - in.heard))
		if in.pinged {
			due = due.Add(in.c.options.PongTimeout)
		}
	}
	in.c.net.SetReadDeadline(due)
	in.armed = true
	return true
}

// heartbeat is called when a read deadline has passed, meant or not.
func (c *Conn) heartbeat() error {
	in := &c.in
	interval := c.options.PingInterval
	silent := now() - in.heard
	switch {
	case interval <= 0 || silent < interval:
	case !in.pinged:
		in.pinged = true
		return c.out.ping()
	case silent >= interval+c.options.PongTimeout:
		return parley.ErrIdle
	}
	return nil
}

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

// attempted takes what an attempt has brought.
func (in *inbound) attempted(err error) error {
	switch {
	case err != nil:
		return err
	case in.attemptE != nil:
		return in.attemptE
	}
	in.parser.took(in.attemptN, in.attemptOn)
	return nil
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
	in.attemptN, in.attemptOn, in.attemptE = n, direct, err
	return true
}
