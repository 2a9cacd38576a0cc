package socket

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/feed"
	"github.com/parleygo/parley/internal/meter"
)

// outbound is the writing half. A frame goes out at once, on its sender's
// goroutine, when nobody writes and the kernel takes it. Otherwise it is added
// to what waits, and whoever writes takes all that waits in one write.
type outbound struct {
	c *Conn

	mu        sync.Mutex
	busy      bool        // somebody writes, and will take what waits
	stalled   bool        // the kernel has refused bytes: the peer does not read
	sealed    bool        // a close frame is the last: nothing more is taken
	dead      bool        // nothing can be written any more
	listed    bool        // the flusher has the socket on its list
	strangers uint8       // messages of other groups since the one followed had any
	place     *feed.Place // in the feed that it follows, if it does
	waiting   []byte      // whole frames, joined
	count     int32       // messages among them
	flying    int32       // messages being written, and their bytes: they still
	flyingB   int         // count, or a stalled peer would cost two queues
	sent      traffic
	lastTurn  time.Duration // when the flusher last wrote, see now; kept while listed
	seldom    *seldom       // or nil
}

// depth is how many messages wait or are being written. The caller holds mu.
//
//parley:inline
func (o *outbound) depth() int { return int(o.count + o.flying) }

func (o *outbound) init(c *Conn) {
	o.c = c
	o.lastTurn = meter.Now() - longPace // the first message is not kept waiting
}

// Write sends a message. It returns when the kernel or the queue has taken it,
// and waits for room in the queue until ctx ends or the write timeout is over
// (ErrSlowConsumer).
//
//parley:noescape
func (c *Conn) Write(ctx context.Context, send parley.WebSocketSend) error {
	frame, shell, size := c.encode(send)
	room, err := c.out.write(frame, !c.hasRaw && c.ctxEnds(ctx))
	if room != nil {
		err = c.writeLater(ctx, frame, room)
	}
	shell.giveBack(frame)
	c.totals().sent(size, err)
	return err
}

// writeLater writes a frame when there is room for it.
func (c *Conn) writeLater(
	ctx context.Context, frame []byte, room <-chan struct{},
) (err error) {
	timer := time.NewTimer(c.made.options.WriteTimeout)
	defer timer.Stop()
	for {
		select {
		case <-room:
		case <-ctx.Done():
			if c.ctxEnds(ctx) {
				return context.Cause(ctx)
			}
			return parley.ErrDisconnected
		case <-timer.C:
			return fmt.Errorf("%w: no room in its queue for %v",
				parley.ErrSlowConsumer, c.made.options.WriteTimeout)
		}
		if room, err = c.out.write(frame, !c.hasRaw && c.ctxEnds(ctx)); room == nil {
			return err
		}
	}
}

// write writes or queues a frame. If there is no room it returns what is closed
// when there is. ctxEnds is for writeHere.
func (o *outbound) write(frame []byte, ctxEnds bool) (room <-chan struct{}, err error) {
	o.mu.Lock()
	if err := o.refusal(); err != nil {
		o.mu.Unlock()
		return nil, err
	}
	o.join()
	if !o.busy {
		o.sent.add(len(frame))
		o.c.totals().queued(int(o.count))
		return nil, o.writeHere(frame, ctxEnds)
	}
	room = o.queue(frame)
	o.mu.Unlock()
	return room, nil
}

// queue adds a frame, or returns what is closed when there is room for it. The caller
// holds mu.
func (o *outbound) queue(frame []byte) (room <-chan struct{}) {
	if !o.fits(frame) {
		return o.awaitRoom()
	}
	o.sent.add(len(frame))
	o.add(frame)
	o.c.totals().queued(o.depth())
	return nil
}

// Offer queues a message without ever waiting, for senders that serve many
// sockets. It returns parley.ErrFull when there is no room.
func (c *Conn) Offer(send parley.WebSocketSend) error {
	frame, shell, size := c.encode(send)
	defer shell.giveBack(frame)
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.refusal(); err != nil {
		return err
	}
	o.join()
	if !o.fits(frame) {
		return parley.ErrFull
	}
	o.sent.add(len(frame))
	o.add(frame)
	c.totals().queued(o.depth())
	c.totals().sent(size, nil)
	o.writeSoon()
	return nil
}

// writeSoon sees to it that what was offered is written. Much of it is written
// here and now, if the kernel takes it at once: a sender that is faster than the
// flusher must not run the queue over. The caller holds mu, and has it again
// afterwards.
//
//parley:noescape
func (o *outbound) writeSoon() {
	const much = 128 // messages
	switch {
	case o.busy:
	case !o.c.hasRaw:
		o.writeQueuedSoon()
	case o.count >= much:
		o.busy = true
		o.mu.Unlock()
		o.writeQueuedNow()
		o.mu.Lock()
	case !o.listed:
		o.listed = true
		o.c.made.flusher.add(o.c)
	}
}

// turn is the flusher's: it writes what waits.
//
//parley:noescape
func (o *outbound) turn() {
	o.mu.Lock()
	o.listed = false
	o.lastTurn = meter.Now()
	if o.busy || o.dead || len(o.waiting) == 0 && !o.controls() {
		o.mu.Unlock()
		return
	}
	o.busy = true
	o.mu.Unlock()
	o.writeQueuedNow()
}

// refusal returns why nothing can be sent any more. The caller holds mu.
//
//parley:inline
func (o *outbound) refusal() error {
	switch {
	case o.dead:
		return parley.ErrDisconnected
	case o.sealed:
		return parley.ErrClosed
	}
	return nil
}

// fits reports whether there is room in the queue. Messages are only counted while
// the peer is what they wait for: a burst of senders may well be ahead of this
// program's own writing. A place in a feed is given up for the room that is kept for
// it. The caller holds mu.
//
//parley:noescape
func (o *outbound) fits(frame []byte) bool {
	if o.place != nil && o.pressed(window(&o.c.made.options)+len(frame)) {
		o.unfollow()
	}
	count, bytes := o.depth(), len(o.waiting)+o.flyingB
	if count == 0 {
		return true
	}
	counted := o.stalled || !o.c.hasRaw
	return bytes+len(frame) <= o.c.made.options.QueueBytes &&
		(!counted || count < o.c.made.options.QueueMessages)
}

func (o *outbound) add(frame []byte) {
	if o.waiting == nil {
		o.waiting = borrow()
	}
	o.waiting = append(o.waiting, frame...)
	o.count++
}

func (o *outbound) awaitRoom() <-chan struct{} {
	s := o.rarely()
	if s.room == nil {
		s.room = make(chan struct{})
	}
	return s.room
}

// writeQueuedSoon sees to it that what waits is written, on another goroutine. The
// caller holds mu.
func (o *outbound) writeQueuedSoon() {
	if !o.busy {
		o.busy = true
		go o.writeQueued()
	}
}

// writeHere writes on the sender's goroutine; what the kernel does not take at
// once is left to another. The caller holds mu, which is released. ctxEnds means
// that the sender may want to leave in the middle of the write, which blocks.
func (o *outbound) writeHere(frame []byte, ctxEnds bool) error {
	if o.c.hasRaw && len(o.waiting) > 0 || ctxEnds {
		o.add(frame) // behind what was offered before
		o.busy = true
		o.mu.Unlock()
		if o.c.hasRaw {
			o.writeQueuedNow()
		} else {
			go o.writeQueued()
		}
		return nil
	}
	o.busy = true
	o.mu.Unlock()
	var rest []byte
	var err error
	if o.c.hasRaw {
		rest, err = o.writeNow(frame)
	} else {
		err = o.writeAll(frame)
	}
	if err != nil {
		o.fail(err)
		return parley.ErrDisconnected
	}
	if len(rest) > 0 {
		o.stall()
		kept := append(borrow(), rest...) // the frame is its sender's
		go o.finishWrite(kept, kept)
		return nil
	}
	o.passQueuedOn()
	return nil
}

// fail ends the socket for a write that failed.
func (o *outbound) fail(err error) { o.c.Abort(endOf(err).Cause) }

// seal puts a close frame behind everything, and takes nothing more.
func (o *outbound) seal(frame []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sealed || o.dead {
		return
	}
	o.unfollow()
	o.add(frame)
	o.sealed = true
	o.writeQueuedSoon()
}

// flush returns a channel that is closed when nothing is left to write.
//
//parley:noescape
func (o *outbound) flush() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.rarely()
	if s.flushed == nil {
		s.flushed = make(chan struct{})
	}
	flushed := s.flushed
	if !o.busy || o.dead {
		s.tellFlushed()
	}
	return flushed
}

func (o *outbound) isDead() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dead
}

// die drops all that waits: nothing can be written any more.
func (o *outbound) die() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dead = true
	if o.place != nil {
		o.took(o.place.Leave())
		o.place = nil
	}
	giveBack(o.waiting)
	o.waiting, o.count = nil, 0
	if o.seldom != nil {
		o.seldom.tellRoom()
		o.seldom.tellFlushed()
		o.seldom = nil
	}
}
