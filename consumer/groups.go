package consumer

import (
	"context"
	"slices"

	"github.com/parleygo/parley/channel"
)

// Join makes the client a member of a group until it leaves or the connection
// ends. Called in Connect it takes effect right before the client is accepted; a
// client that is denied never joins. The error is that of channel.Inbox.Join, or
// ErrNoLayer.
//
// In a group that the layer keeps, see channel.Options.History, a client that has been
// there before and says so is sent what it has missed; see the package's description.
func (c *Conn) Join(ctx context.Context, group channel.Group) error {
	if c.app.options.Layer == nil {
		return ErrNoLayer
	}
	if _, err := channel.ParseGroup(string(group)); err != nil {
		return err
	}
	inbox, err := c.inboxOr(wish{group: group})
	if inbox == nil {
		return err
	}
	return c.join(ctx, inbox, group)
}

// wish is a group that Connect wants to be in.
type wish struct {
	group  channel.Group
	enters bool
	show   any
}

// inboxOr returns the inbox or, where that is not open yet, remembers what is wanted of
// it.
func (c *Conn) inboxOr(w wish) (*channel.Inbox, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.inbox != nil:
		return c.inbox, nil
	case c.over:
		return nil, channel.ErrClosed
	}
	c.opening.wanted = append(c.opening.wanted, w)
	return nil, nil
}

// fulfil does what was wanted.
func (c *Conn) fulfil(ctx context.Context, inbox *channel.Inbox, w wish) error {
	if w.enters {
		_, err := c.enter(ctx, inbox, w)
		return err
	}
	return c.join(ctx, inbox, w.group)
}

// Leave ends a membership. Leaving a group that the client is not in does
// nothing.
func (c *Conn) Leave(group channel.Group) {
	c.mu.Lock()
	inbox := c.inbox
	if o := c.opening; o != nil {
		o.wanted = slices.DeleteFunc(o.wanted, func(w wish) bool { return w.group == group })
	}
	c.mu.Unlock()
	if inbox != nil {
		inbox.Leave(group)
	}
}

// Groups returns the groups that the client is in, in no order. It is empty in
// Connect and in Disconnect.
func (c *Conn) Groups() []channel.Group {
	c.mu.Lock()
	inbox := c.inbox
	c.mu.Unlock()
	if inbox == nil {
		return nil
	}
	return inbox.Groups()
}

// SendOthers sends a message to a group, but not to this client. What it returns is
// that of channel.Layer.GroupSendExcept, or ErrNoLayer.
func (c *Conn) SendOthers(
	ctx context.Context, group channel.Group, message channel.Message,
) (channel.SendResult, error) {
	layer := c.app.options.Layer
	if layer == nil {
		return channel.SendResult{}, ErrNoLayer
	}
	if name := c.Name(); name != "" {
		return layer.GroupSendExcept(ctx, group, message, name)
	}
	return layer.GroupSend(ctx, group, message) // it is in no group yet
}
