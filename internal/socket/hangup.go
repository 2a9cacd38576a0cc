package socket

import (
	"errors"
	"os"
	"time"

	"github.com/parleygo/parley"
)

// watchHangup waits, with the read-ahead full, for the app to make room, and
// meanwhile for the peer to hang up. The caller is the watcher.
func (c *Conn) watchHangup() error {
	in := &c.in
	due := time.Time{} // when to ping: a peer that vanished shows in the error
	for {
		in.mu.Lock()
		switch {
		case in.handOver:
			in.mu.Unlock()
			return errHandOver
		case !in.paused:
			in.mu.Unlock()
			in.heard, in.armed = time.Now(), false // silence while nobody listened does not count
			return nil
		}
		if c.options.PingInterval > 0 && !time.Now().Before(due) {
			due = time.Now().Add(c.options.PingInterval)
		}
		c.net.SetReadDeadline(due)
		in.mu.Unlock()

		hungUp, err := c.awaitHangup(due)
		if err != nil {
			return err
		}
		if hungUp {
			in.mu.Lock()
			in.lost = true
			in.mu.Unlock()
			c.cancel(parley.ErrDisconnected)
			return errHandOver // what was sent before can still be read
		}
		if c.options.PingInterval > 0 && !time.Now().Before(due) {
			if err := c.out.ping(); err != nil {
				return err
			}
		}
	}
}

// awaitHangup returns when the peer has hung up, when due has come, or when the
// watcher is nudged.
func (c *Conn) awaitHangup(due time.Time) (hangup bool, err error) {
	if c.hasRaw {
		err = c.raw.wait(func(fd uintptr) bool {
			hangup = hungUp(fd)
			return hangup
		})
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = nil
		}
		return hangup, err
	}
	var ping <-chan time.Time
	if !due.IsZero() {
		timer := time.NewTimer(time.Until(due))
		defer timer.Stop()
		ping = timer.C
	}
	select {
	case <-ping:
	case <-c.in.nudge:
	case <-c.gone:
	}
	return false, nil
}
