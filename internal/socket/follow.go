package socket

import (
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/feed"
)

// A socket that follows the feed of a group writes from there, when its turn comes,
// all that has come since in one piece, with no copy of its own. Whatever else it
// has to write goes behind what the feed had before.

// carrier is what sockets have in common that write the same bytes.
type carrier struct {
	flusher *flusher
	options *parley.SocketOptions
	deflate bool
}

// Carrier implements feed.Reader.
func (c *Conn) Carrier() feed.Carrier {
	return carrier{&c.made.flusher, &c.made.options, c.deflate}
}

// Frame implements feed.Carrier.
//
//parley:noescape
func (c carrier) Frame(message *parley.Prepared) []byte {
	if c.deflate {
		return message.Frame("rfc7692", c.deflated)
	}
	return message.Frame("rfc6455", plainFrame)
}

// Window implements feed.Carrier.
func (c carrier) Window() int { return window(c.options) }

// window is the part of a socket's queue that is kept free for a feed.
func window(options *parley.SocketOptions) int { return min(128<<10, options.QueueBytes/8) }

// Call implements feed.Carrier.
func (c carrier) Call(f *feed.Feed) { go c.flusher.walk(f) }

// Follow has the socket follow a group from now on, if it is one that the kernel
// takes bytes of and has room. It follows one group at a time: the one that says
// most.
//
//parley:noescape
func (c *Conn) Follow(seat feed.Seat) {
	const much = 8 // messages of another group while its own says nothing
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if !c.hasRaw || o.refusal() != nil || o.pressed(2*window(&c.made.options)) {
		return
	}
	if o.place != nil {
		if o.strangers++; o.strangers < much {
			return
		}
		o.unfollow()
	}
	o.place, o.strangers = seat.Take(c), 0
}

// Unfollow implements feed.Reader. A nil place is any.
func (c *Conn) Unfollow(place *feed.Place) {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.place != nil && (place == nil || o.place == place) {
		o.unfollow()
		if o.count > 0 {
			o.writeSoon()
		}
	}
}

// CatchUp implements feed.Reader.
//
//parley:noescape
func (c *Conn) CatchUp() {
	o := &c.out
	o.mu.Lock()
	switch {
	case o.place == nil:
		o.mu.Unlock()
	case o.busy:
		o.join()
		o.mu.Unlock()
	case len(o.waiting) > 0 || o.controls():
		o.join()
		o.busy = true
		o.mu.Unlock()
		o.writeQueuedNow()
	default:
		o.writeFeed()
	}
}

// writeFeed writes what has come, with no copy of what the kernel takes. The caller
// holds mu, which is released.
func (o *outbound) writeFeed() {
	batch := o.place.Take()
	if batch.Messages == 0 {
		o.mu.Unlock()
		return
	}
	o.took(batch)
	o.busy = true
	o.flying, o.flyingB = int32(batch.Messages), len(batch.Frames)
	o.mu.Unlock()
	rest, err := o.writeNow(batch.Frames)
	switch {
	case err != nil:
		o.fail(err)
	case len(rest) > 0:
		o.stall()
		kept := append(borrow(), rest...) // the frames are everybody's
		go o.finishWrite(kept, kept)
	default:
		o.writeQueuedNow()
	}
}

// join puts what has come behind what waits. A socket that is pressed for room gives
// its place up. The caller holds mu.
//
//parley:noescape
func (o *outbound) join() {
	if o.place == nil {
		return
	}
	o.addAll(o.place.Take())
	if o.pressed(window(&o.c.made.options)) {
		o.unfollow()
	}
}

// unfollow gives the place up. The caller holds mu.
func (o *outbound) unfollow() {
	if o.place != nil {
		o.addAll(o.place.Leave())
		o.place = nil
	}
}

func (o *outbound) addAll(batch feed.Batch) {
	if batch.Messages == 0 {
		return
	}
	o.took(batch)
	if o.waiting == nil {
		o.waiting = borrow()
	}
	o.waiting = append(o.waiting, batch.Frames...)
	o.count += int32(batch.Messages)
}

// took counts what the feed had. The caller holds mu.
//
//parley:noescape
func (o *outbound) took(batch feed.Batch) {
	o.strangers = 0
	o.sent.messages += uint64(batch.Messages)
	o.sent.bytes += uint64(len(batch.Frames))
	o.c.totals().fed(batch.Messages, batch.Bytes, o.depth()+1)
}

// pressed reports whether the socket has no room for so many bytes more, or a peer
// that does not read. The caller holds mu.
//
//parley:inline
func (o *outbound) pressed(bytes int) bool {
	return o.stalled || len(o.waiting)+o.flyingB+bytes > o.c.made.options.QueueBytes
}
