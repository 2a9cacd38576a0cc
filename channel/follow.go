package channel

import (
	"slices"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/feed"
)

// A large group has a feed for each kind of members whose sockets write for
// themselves what is sent to it: see package feed. The others are handed each
// message. Who is which is settled anew with each message, at the moment when it is
// appended: so everybody gets it once, and those of one sender in order.

const (
	crowd = 32 // as many members make a feed worth while
	kinds = 8  // of members that a group has feeds for
)

// post appends a message to the feeds, none of which left, a membership or nil, is in
// then. It returns who must be handed it, a list that nobody changes, and how many
// have it already. While it is used no lock is held, and nobody is skipped or met
// twice when others come and go.
func (g *group) post(message Message, left *membership) (hand []*membership, taken int) {
	g.mu.Lock()
	var prepared *parley.Prepared // without it everybody is handed the message
	if len(g.feeds) > 0 {
		g.mu.Unlock()
		prepared = message.forSockets()
		g.mu.Lock()
	}
	for wait := g.notYet(message.typ, prepared, left); wait != nil; {
		g.mu.Unlock()
		wait()
		g.mu.Lock()
		wait = g.notYet(message.typ, prepared, left)
	}
	defer g.mu.Unlock()
	hand = g.hand()
	for _, f := range g.feeds {
		if frame := f.Frame(message.typ, prepared); frame != nil {
			f.Append(frame, len(message.Payload()))
			taken += f.Readers()
			continue
		}
		hand = slices.Clip(hand)
		f.Seats(func(seat feed.Seat) { hand = append(hand, seat.(*membership)) })
	}
	return hand, taken
}

// notYet returns what must be done, without mu, before a message can be appended. The
// caller holds mu.
func (g *group) notYet(typ string, prepared *parley.Prepared, left *membership) func() {
	if left != nil && left.place != nil {
		place := left.place
		return func() { place.Reader().Unfollow(place) }
	}
	for _, f := range g.feeds {
		if frame := f.Frame(typ, prepared); frame != nil && !f.HasRoom(frame) {
			return f.Walk
		}
	}
	return nil
}

// hand returns who is handed each message. The list is made by the first send after
// a change: eight bytes a member, which is little beside the delivery itself. The
// caller holds mu.
func (g *group) hand() []*membership {
	if !g.fresh {
		handed := make([]*membership, 0, len(g.members)-g.following())
		for _, m := range g.members {
			if m.place == nil {
				handed = append(handed, m)
			}
		}
		g.handed, g.fresh = handed, true
	}
	return g.handed
}

//parley:inline
func (g *group) following() (n int) {
	for _, f := range g.feeds {
		n += f.Readers()
	}
	return n
}

// changed is called with mu held.
//
//parley:inline
func (g *group) changed() { g.handed, g.fresh = nil, false }

// feed returns the feed of a kind, or nil if there are many kinds already. The caller
// holds mu.
func (g *group) feed(kind feed.Kind) *feed.Feed {
	for _, f := range g.feeds {
		if f.Kind() == kind {
			return f
		}
	}
	if len(g.feeds) == kinds {
		return nil
	}
	f := feed.New(&g.mu, kind)
	g.feeds = append(g.feeds, f)
	return f
}

// mayFollow is called when a member of a group was handed a message.
func (m *membership) mayFollow(members int) {
	if members < crowd {
		return
	}
	if member := memberOf(m.inbox.sink); member != nil {
		member.Follow(m)
	}
}

// Take implements feed.Seat.
func (m *membership) Take(reader feed.Reader) *feed.Place {
	g := m.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.over || m.place != nil {
		return nil
	}
	f := g.feed(feed.Kind{Carrier: reader.Carrier(), Table: memberOf(m.inbox.sink).Table()})
	if f == nil {
		return nil
	}
	m.place = f.Join(reader, m)
	g.changed()
	return m.place
}

// Left implements feed.Seat.
func (m *membership) Left(messages int) {
	m.inbox.counterOf(countReceived).Add(uint64(messages))
	m.place = nil
	g := m.group
	g.feeds = slices.DeleteFunc(g.feeds, func(f *feed.Feed) bool { return f.Readers() == 0 })
	g.changed()
}

// stopFollowing is called when the membership ends. What was sent before has
// reached the member.
func (m *membership) stopFollowing() {
	m.group.mu.Lock()
	m.over = true
	place := m.place
	m.group.mu.Unlock()
	if place != nil {
		place.Reader().Unfollow(place)
	}
}

// followed returns how many messages its place was good for until now.
func (m *membership) followed() int {
	m.group.mu.Lock()
	defer m.group.mu.Unlock()
	if m.place == nil {
		return 0
	}
	return m.place.Messages()
}
