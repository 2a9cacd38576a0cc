package socket

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/parleygo/parley"
)

// writeQueuedNow writes what waits as long as the kernel takes it at once, and leaves the
// rest to another goroutine.
//
//parley:noescape
func (o *outbound) writeQueuedNow() {
	for batch := o.next(); batch != nil; batch = o.next() {
		rest, err := o.writeNow(batch)
		if err != nil {
			giveBack(batch)
			o.fail(err)
			return
		}
		if len(rest) > 0 {
			o.stall()
			go o.finishWrite(batch, rest)
			return
		}
		giveBack(batch)
	}
}

func (o *outbound) stall() {
	o.mu.Lock()
	o.stalled = true
	o.unfollow()
	o.mu.Unlock()
}

// finishWrite writes the rest of a batch, and then what came meanwhile.
//
//parley:noescape
func (o *outbound) finishWrite(batch, rest []byte) {
	err := o.writeAll(rest)
	giveBack(batch)
	if err != nil {
		o.fail(err)
		return
	}
	o.writeQueued()
}

// attempt is one write that does not wait. It is borrowed for it: sockets are many,
// and few write at a time.
type attempt struct {
	write func(fd uintptr) bool
	bytes []byte
	n     int
	err   error
}

var attempts = sync.Pool{New: func() any {
	a := new(attempt)
	a.write = func(fd uintptr) bool {
		a.n, a.err = writeNow(fd, a.bytes)
		return true
	}
	return a
}}

// writeNow writes what the kernel takes without waiting and returns the rest.
//
//parley:noescape
func (o *outbound) writeNow(p []byte) (rest []byte, err error) {
	a := attempts.Get().(*attempt)
	a.bytes, a.n, a.err = p, 0, nil
	err = o.c.raw.now(a.write)
	if err == nil {
		err = a.err
	}
	if err == nil {
		rest = p[a.n:]
	}
	a.bytes = nil
	attempts.Put(a)
	return rest, err
}

// passQueuedOn writes what came meanwhile, or leaves it to another goroutine: a
// sender is not kept for the sake of others.
func (o *outbound) passQueuedOn() {
	o.mu.Lock()
	if o.nothingLeft() {
		o.mu.Unlock()
		return
	}
	o.mu.Unlock()
	go o.writeQueued()
}

// nothingLeft ends being busy if there is nothing to write. The caller holds mu.
//
//parley:inline
func (o *outbound) nothingLeft() bool {
	if len(o.waiting) > 0 || o.controls() {
		return false
	}
	o.busy = false
	if o.seldom != nil {
		o.drained()
	}
	return true
}

// writeQueued writes all that waits, each time in one write, until nothing is left.
//
//parley:noescape
func (o *outbound) writeQueued() {
	for batch := o.next(); batch != nil; batch = o.next() {
		err := o.writeAll(batch)
		giveBack(batch)
		if err != nil {
			o.fail(err)
			return
		}
	}
}

// next returns what is to be written after the last batch, or nil and ends being
// busy.
//
//parley:noescape
func (o *outbound) next() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.landed()
	if o.dead || o.nothingLeft() {
		return nil
	}
	return o.take()
}

// take takes all that waits. The caller holds mu.
func (o *outbound) take() []byte {
	batch := o.waiting
	if o.controls() {
		batch = append(append(borrow(), o.seldom.control...), o.waiting...)
		giveBack(o.waiting)
		o.seldom.control = nil
	}
	o.flying, o.flyingB = o.count, len(batch)
	o.waiting, o.count = nil, 0
	return batch
}

// landed makes room where the last batch was. The caller holds mu.
//
//parley:inline
func (o *outbound) landed() {
	o.flying, o.flyingB, o.stalled = 0, 0, false
	if o.seldom != nil {
		o.seldom.tellRoom()
	}
}

// writeAll writes p, waiting as long as the peer takes something now and then.
//
//parley:noescape
func (o *outbound) writeAll(p []byte) error {
	const step = 256 << 10 // a slow peer shows progress this often
	conn := o.c.net
	for len(p) > 0 {
		conn.SetWriteDeadline(time.Now().Add(o.c.made.options.WriteTimeout))
		n, err := conn.Write(p[:min(len(p), step)])
		p = p[n:]
		switch {
		case err == nil:
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case n == 0:
			return parley.ErrSlowConsumer
		}
	}
	if o.c.hasRaw {
		conn.SetWriteDeadline(time.Time{}) // writes that do not wait look at it too
	}
	return nil
}
