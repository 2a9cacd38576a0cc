package socket

import (
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"github.com/parleygo/parley/internal/meter"
)

// watchHangup waits, with the read-ahead full, for the app to make room, and
// meanwhile for the peer to hang up. The caller is the watcher.
func (c *Conn) watchHangup() error {
	in := &c.in
	pings := c.made.options.PingInterval > 0
	due := time.Time{} // when to ping: a peer that vanished shows in the error
	for {
		if pings && !time.Now().Before(due) {
			due = time.Now().Add(c.made.options.PingInterval)
		}
		if paused, err := in.stillPaused(due); !paused {
			return err
		}
		left, hungUp, err := c.awaitHangup(due)
		switch {
		case err != nil:
			return err
		case hungUp:
			return in.keepLeft(left)
		case pings && !time.Now().Before(due):
			if err := c.out.ping(); err != nil {
				return err
			}
		}
	}
}

// stillPaused reports whether the watcher has to wait for room, for which it sets
// the deadline.
func (in *inbound) stillPaused(due time.Time) (paused bool, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.handOver:
		return false, errHandOver
	case !in.away.paused:
		in.heard, in.armed = meter.Now(), false // silence while nobody listened does not count
		return false, nil
	}
	in.c.net.SetReadDeadline(due)
	return true, nil
}

// awaitHangup returns when the peer has hung up, and what it left unread then, or
// when due has come, or when the watcher is nudged.
func (c *Conn) awaitHangup(due time.Time) (left []byte, hangup bool, err error) {
	if c.hasRaw {
		err = c.raw.wait(func(fd uintptr) bool {
			if hangup = hungUp(fd); hangup {
				left = readLeft(fd)
			}
			return hangup
		})
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = nil
		}
		return left, hangup, err
	}
	var ping <-chan time.Time
	if !due.IsZero() {
		timer := time.NewTimer(time.Until(due))
		defer timer.Stop()
		ping = timer.C
	}
	select {
	case <-ping:
	case <-c.in.away.nudge:
	case <-c.Gone():
	}
	return nil, false, nil
}

// readLeft reads what the kernel holds of a peer that has hung up. That much it
// was ready to hold anyway.
func readLeft(fd uintptr) (left []byte) {
	for {
		left = slices.Grow(left, bufferSize)
		n, again, err := readNow(fd, left[len(left):cap(left)])
		if again || err != nil {
			return left
		}
		left = left[:len(left)+n]
	}
}

// keepLeft keeps for the app what the peer left, and returns how it ended: that
// is known now, though the app has still to receive what came before.
func (in *inbound) keepLeft(bytes []byte) (end error) {
	left := in.parser
	all := slices.Concat(left.unread.bytes(), bytes)
	left.unread = unparsed(all)
	end = left.foresee()
	in.parser.unread.skip(len(in.parser.unread.bytes()))
	in.mu.Lock()
	in.away.left = &left
	in.mu.Unlock()
	return end
}

// foresee returns what the bytes that p has end with, on a copy of it. Compressed
// messages are not looked into: that may cost more than the peer is entitled to.
func (p *parser) foresee() error {
	ahead := *p
	ahead.unread.buf = slices.Clone(ahead.unread.buf) // control frames are unmasked in place
	ahead.partial.data = slices.Clip(ahead.partial.data)
	ahead.skims = true
	for {
		switch what, err := ahead.next(); {
		case err != nil:
			return err
		case what == foundNothing:
			return io.EOF
		case what == foundMessage:
			ahead.partial = partial{} // the next begins anew
		case what == foundControl && ahead.control().opcode == opClose:
			return parseClose(ahead.control().payload)
		}
	}
}
