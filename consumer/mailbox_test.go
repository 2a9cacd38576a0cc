package consumer

import (
	"context"
	"log/slog"
	"testing"

	"github.com/parleygo/parley/channel"
)

var dropping = []channel.Policy{
	channel.DropNewest, channel.Block, channel.DropOldest, channel.Coalesce,
}

// unread is a conn whose mailbox only the test reads.
func unread(t *testing.T, policy channel.Policy, options ...Option) *Conn {
	t.Helper()
	layer := channel.New(channel.Options{})
	t.Cleanup(func() { _ = layer.Close(context.Background()) })
	options = append(options, Options{Layer: layer, Policy: policy,
		Logger:   slog.New(slog.DiscardHandler),
		Capacity: channel.Capacity{Messages: 8}}, Forward("line"))
	c := &Conn{app: New(func() *struct{} { return new(struct{}) }, options...)}
	c.mail.hold()
	return c
}

func (c *Conn) get(message channel.Message) {
	l := letter{message: message, handle: c.app.layerHandlers[message.Type()]}
	c.mail.put(l, c)
}

// said returns messages as the members of a group get them.
func said(t *testing.T, payload string, types ...string) (all []channel.Message) {
	t.Helper()
	layer := channel.New(channel.Options{})
	in, err := layer.Open(t.Context(), channel.InboxOptions{
		Deliver: func(m channel.Message) channel.Verdict {
			all = append(all, m)
			return channel.Accepted
		},
	})
	if err == nil {
		err = in.Join(t.Context(), "room")
	}
	for _, typ := range types {
		if err == nil {
			_, err = layer.GroupSend(t.Context(), "room", channel.NewMessage(typ, []byte(payload)))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := layer.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return all
}

// A client that is never fast enough for all that is said is told who is there, too, and
// behind the last that it was not told.
func TestAlwaysSlow(t *testing.T) {
	for _, policy := range dropping {
		t.Run(policy.String(), func(t *testing.T) { alwaysSlow(t, policy) })
	}
}

func alwaysSlow(t *testing.T, policy channel.Policy) {
	c := unread(t, policy)
	messages := said(t, `{"member":"m"}`, "line", channel.TypeJoin)
	states, last := 0, ""
	next := func() {
		l, _, _ := c.mail.next()
		if last = l.message.Type(); l.state != "" {
			states++
			last = "state"
		}
	}
	for range 500 {
		for range 3 {
			c.get(messages[0])
		}
		c.get(messages[1])
		next()
	}
	if states < 10 || states > 300 {
		t.Errorf("told %d times in 500", states)
	}
	c.get(messages[0])
	c.get(messages[0])
	c.get(messages[1])
	waiting, end := len(c.mail.items), "state"
	if policy == channel.DropOldest || policy == channel.Coalesce {
		end = channel.TypeJoin
	}
	states = 0
	for range waiting {
		next()
	}
	if waiting > 10 || states == 0 || states > 2 || last != end {
		t.Errorf("%d waited, told %d times, and %q at last", waiting, states, last)
	}
}

// What has a type of the layer's and is of no group, or of nobody, is dropped as anything
// else is: there may be any number of such things.
func TestStrangeNotices(t *testing.T) {
	count := func(*struct{}, context.Context, *Conn, channel.Message) error { return nil }
	handlers := map[string][]Option{"forwarded": nil, "handled": {
		On(channel.TypeJoin, count), On(channel.TypeLeave, count),
	}}
	for _, policy := range dropping {
		for how, options := range handlers {
			t.Run(policy.String()+" "+how, func(t *testing.T) {
				c := unread(t, policy, options...)
				line := said(t, "x", "line")[0]
				nobody := said(t, "{}", channel.TypeJoin, channel.TypeLeave)
				for range 100 {
					c.get(line)
					for _, typ := range []string{channel.TypeJoin, channel.TypeLeave} {
						c.get(channel.NewMessage(typ, []byte(`{"member":"m"}`)))
					}
					c.get(nobody[0])
					c.get(nobody[1])
				}
				c.mail.mu.Lock()
				defer c.mail.mu.Unlock()
				if waiting := len(c.mail.items); waiting > 10 || c.mail.live > waiting {
					t.Errorf("%d letters wait, %d of them have to fit", waiting, c.mail.live)
				}
			})
		}
	}
}
