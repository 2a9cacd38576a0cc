package consumer

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/parleygo/parley/channel"
)

// Enter has the client be in a group for others to see, and shows what is given, encoded
// as JSON; see channel.Inbox.Enter. It joins the group. Where the consumer forwards
// anything the client is sent who is there, as by SendPresent.
//
// Called in Connect it takes effect when the client is accepted, as Join does, and the
// Member that it returns is none yet. The error is that of Join and channel.Inbox.Enter.
func (c *Conn) Enter(ctx context.Context, group channel.Group, show any) (channel.Member, error) {
	if c.app.options.Layer == nil {
		return channel.Member{}, ErrNoLayer
	}
	if _, err := channel.ParseGroup(string(group)); err != nil {
		return channel.Member{}, err
	}
	w := wish{group, true, show}
	inbox, err := c.inboxOr(w)
	if inbox == nil {
		return channel.Member{}, err
	}
	return c.enter(ctx, inbox, w)
}

func (c *Conn) enter(
	ctx context.Context, inbox *channel.Inbox, w wish,
) (channel.Member, error) {
	if err := c.join(ctx, inbox, w.group); err != nil {
		return channel.Member{}, err
	}
	member, err := inbox.Enter(ctx, w.group, w.show)
	if err == nil && c.app.forwards {
		c.SendPresent(w.group)
	}
	return member, err
}

// Exit ends the stay that Enter has begun. The client remains in the group. Without
// such a stay it does nothing.
func (c *Conn) Exit(group channel.Group) {
	c.mu.Lock()
	inbox := c.inbox
	if o := c.opening; o != nil {
		for i := range o.wanted {
			if o.wanted[i].group == group {
				o.wanted[i] = wish{group: group}
			}
		}
	}
	c.mu.Unlock()
	if inbox != nil {
		inbox.Exit(group)
	}
}

// SendPresent sends the client who is in a group, behind what waits for it:
//
//	{"type":"presence.state","group":"room","members":[{"member":"…","show":…}]}
//
// Once is enough for all calls until then. Of who comes and goes after that it is told
// if it is in the group itself: that and the messages of joins and leaves add up to who
// is there at any time. If a transport does not say who is there, the log does, and it
// is asked again every few seconds.
func (c *Conn) SendPresent(group channel.Group) {
	if c.app.options.Layer != nil && c.mail.putMissed([]letter{{state: group}}, c) {
		go c.readMail()
	}
}

// tellPresent asks when the letter's turn has come. What was told before is in the
// answer, and what is told after it may be, too.
func (c *Conn) tellPresent(group channel.Group) {
	ctx, cancel := context.WithTimeout(c.ctx, presentTimeout)
	defer cancel()
	message, err := c.app.options.Layer.PresentMessage(ctx, group)
	if err != nil {
		c.tellPresentLater(group, err)
		return
	}
	c.forward(message, false)
}

// What waits for the client waits while a transport is asked who is there. One that does
// not say so in time is asked again after a pause.
const (
	presentTimeout = 5 * time.Second
	askAgain       = 3 * time.Second // at least
)

// tellPresentLater tries again, for a client that is owed the answer would go without it
// for ever.
func (c *Conn) tellPresentLater(group channel.Group, err error) {
	if c.ctx.Err() != nil {
		return
	}
	if c.app.mayLog() {
		c.app.warn("parley: presence is unknown", "group", group, "error", err)
	}
	if errors.Is(err, channel.ErrClosed) || errors.Is(err, errors.ErrUnsupported) {
		return
	}
	if !c.mail.postpone(group) {
		return
	}
	time.AfterFunc(askAgain+rand.N(askAgain), func() { // not all clients at once
		c.mail.takeUp(group)
		if c.ctx.Err() == nil {
			c.SendPresent(group)
		}
	})
}

// postpone notes that who is in a group is asked after a pause, and reports whether it was
// not to be already.
func (m *mailbox) postpone(group channel.Group) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.letters == nil || slices.Contains(m.again, group) {
		return false
	}
	m.again = append(m.again, group)
	return true
}

// takeUp is the end of the pause.
func (m *mailbox) takeUp(group channel.Group) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.letters != nil {
		m.again = slices.DeleteFunc(m.again, func(g channel.Group) bool { return g == group })
	}
}
