package consumer

import (
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/feed"
)

// member is a Conn as the layer's groups see it: its socket may write by itself what
// is forwarded, as long as nothing is in the mailbox for it to wait behind.
type member Conn

// Deliver is for the layer: a member takes messages by itself.
//
//parley:noescape
func (m *member) Deliver(message channel.Message) channel.Verdict {
	return (*Conn)(m).deliver(message)
}

// Closed is for the layer, too.
func (m *member) Closed(err error) { (*Conn)(m).inboxClosed(err) }

// HoldsBack is what may wait while the client resumes.
func (m *member) HoldsBack() channel.Capacity { return m.app.options.Capacity }

// Table implements feed.Member.
func (m *member) Table() feed.Table { return (*table)(&m.app.config) }

// Follow implements feed.Member.
func (m *member) Follow(seat feed.Seat) {
	follower, ok := m.offerer.(feed.Follower)
	if !ok {
		return
	}
	m.mail.mu.Lock()
	defer m.mail.mu.Unlock()
	if !m.mail.busy.Load() {
		follower.Follow(seat)
	}
}

// stopFollowing is called, with the mailbox locked, when something is about to be
// in it.
func (c *Conn) stopFollowing() {
	if follower, ok := c.offerer.(feed.Follower); ok {
		follower.Unfollow()
	}
}

// table says what is forwarded. It is the config of an App.
type table config

// Forwards implements feed.Table.
func (t *table) Forwards(typ string) bool {
	handle, known := t.layerHandlers[typ]
	return known && handle == nil
}
