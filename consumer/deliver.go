package consumer

import (
	"context"
	"errors"
	"net"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/usercode"
)

// How layer messages come in. The goroutine of Serve waits for the client, and
// no goroutine waits for the layer: the layer's sender brings each message here.
//
// A forwarded message is offered to the socket on the spot, unless the socket follows
// the group already and will find it there: see member. Everything else
// goes to the mailbox, and if that was empty a goroutine is started which
// handles what is there, under the same lock as the client's messages, and ends.
// The alternatives cost more: a second goroutine per connection takes
// 2 KiB or more while it idles, and interrupting the Receive takes a
// system call, a wake-up and a context per message, and delays the client's.

// deliver takes a message from the layer without waiting.
//
//parley:noescape
func (c *Conn) deliver(message channel.Message) channel.Verdict {
	handle, known := c.app.layerHandlers[message.Type()]
	switch {
	case known:
	case isNotice(message.Type()):
		return channel.Accepted // nobody wants to know
	default:
		c.unknown(message, nil)
		return channel.Accepted
	}
	l := letter{message: message, handle: handle}
	if handle == nil && c.offerer != nil && !c.mail.busy.Load() {
		switch verdict := c.offer(message); {
		case verdict != channel.Full:
			return verdict
		case !c.keeps(&l):
			return c.drop(l)
		}
	}
	if c.app.options.Policy == channel.Coalesce && !isNotice(message.Type()) {
		l.key = c.app.options.Key(message)
	}
	verdict, start := c.mail.put(l, c)
	if start {
		go c.readMail()
	}
	return verdict
}

// keeps reports whether a letter waits behind a socket that is full.
func (c *Conn) keeps(l *letter) bool {
	switch c.app.options.Policy {
	case channel.DropOldest, channel.Coalesce:
		return true
	case channel.CloseSlow:
		return false
	}
	return l.isNotice()
}

// drop has a letter not wait, but what it leaves behind.
func (c *Conn) drop(l letter) channel.Verdict {
	if c.app.options.Policy == channel.CloseSlow {
		return channel.Full
	}
	c.mail.mu.Lock()
	defer c.mail.mu.Unlock()
	verdict, start := c.mail.refuse(l, c)
	if start {
		go c.readMail()
	}
	return verdict
}

// offer hands a message to the socket.
//
//parley:noescape
func (c *Conn) offer(message channel.Message) channel.Verdict {
	err := c.offerer.Offer(message.SendPositioned())
	switch {
	case err == nil:
	case errors.Is(err, parley.ErrFull):
		return channel.Full
	case errors.Is(err, net.ErrClosed):
		return channel.Closed
	default:
		c.unsendable(message, err)
	}
	return channel.Accepted
}

// inboxClosed ends the connection when somebody else has closed its inbox: a
// kick, the layer, or its own policy.
func (c *Conn) inboxClosed(err error) {
	c.mu.Lock()
	own := c.over
	c.mu.Unlock()
	if own || errors.Is(err, parley.ErrDisconnected) {
		return // what offer has found, Serve hears from the conn
	}
	if errors.Is(err, parley.ErrSlowConsumer) {
		c.app.counters.add(countSlow)
	}
	c.fail(outcome{err: closing(err), cause: err})
}

// readMail handles what is in the mailbox, and then is gone.
func (c *Conn) readMail() {
	for {
		l, more, ok := c.mail.next()
		if !ok {
			return
		}
		c.openLetter(l, more)
	}
}

// openLetter deals with one letter, behind which there may be more. What a handler does
// to the connection, Serve's goroutine has to hear. If it takes this goroutine with it
// another one goes on.
func (c *Conn) openLetter(l letter, more bool) {
	returned := false
	usercode.Call(func() error {
		err := c.handle(l, more)
		returned = true
		return err
	}, func(err error) {
		if !returned && err == parley.ErrGoexit {
			defer func() { go c.readMail() }()
		}
		if err != nil {
			c.fail(outcomeApart(err))
		}
	})
}

func (c *Conn) handle(l letter, more bool) error {
	if c.ctx.Err() != nil {
		c.app.counters.add(countDiscarded)
		return nil
	}
	if l.state != "" {
		c.tellPresent(l.state)
		return nil
	}
	if l.gap {
		l.message = slowNotice(l.message)
	}
	if l.handle == nil {
		c.forward(l.message, more)
		return nil
	}
	defer c.busy()()
	err := c.serially(c.ctx, func(ctx context.Context) error { return l.handle(ctx, c, l.message) })
	if bad, ok := err.(*undecodable); ok {
		c.unknown(l.message, bad)
		return nil
	}
	return err
}

// forward sends a message where waiting is allowed. One with more behind it is offered
// as long as there is room: so that all go out in few writes.
func (c *Conn) forward(message channel.Message, more bool) {
	send, err := message.SendPositioned(), parley.ErrFull
	if more && c.offerer != nil {
		err = c.offerer.Offer(send)
	}
	if errors.Is(err, parley.ErrFull) {
		err = c.Send(c.ctx, send)
	}
	switch {
	case err == nil:
	case c.ctx.Err() != nil, errors.Is(err, net.ErrClosed), errors.Is(err, parley.ErrSlowConsumer):
		c.app.counters.add(countDiscarded)
	default:
		c.unsendable(message, err)
	}
}
