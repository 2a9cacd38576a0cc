package channel

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/parleygo/parley/internal/feed"
)

// group is the set of members of one name. Joining and leaving change the list
// in place, in constant time.
type group struct {
	members []*membership // changed with the shard locked and mu; read with either

	mu     sync.Mutex // never held while user code runs or anything waits
	handed []*membership
	fresh  bool // handed, a list that nobody changes, is all there is to it
	feeds  []*feed.Feed
}

// membership is one inbox in one group.
type membership struct {
	inbox *Inbox
	group *group
	place *feed.Place // where it follows the group's feed; guarded by group.mu
	index int32       // in group.members; over when it has left
	over  bool
}

// Join makes the inbox a member of a group: from now on it receives what is
// sent to it. Joining again changes nothing. ctx bounds the wait for a
// transport when this is the layer's first member; without a transport Join
// does not wait. While a Resume of the group is under way Join fails. The error is a
// *NameError, Err of a closed inbox, or what the transport says.
func (in *Inbox) Join(ctx context.Context, group Group) error {
	if err := group.check(); err != nil {
		return err
	}
	if joined, err := in.joined(group); joined || err != nil {
		return err
	}
	return in.join(ctx, group, false)
}

// join is for callers that have found the inbox to be no member. One that resumes has
// reserved the group.
func (in *Inbox) join(ctx context.Context, group Group, reserved bool) error {
	if err := in.layer.follow(ctx, group); err != nil {
		return fmt.Errorf("channel: join %s: %w", group, err)
	}
	in.mu.Lock()
	err, other := in.err, in.groups.of(group)
	if err == nil && in.resuming[group] && !reserved {
		err = errResuming
	}
	if err == nil && other == nil {
		in.groups.add(group, in.layer.enroll(group, in))
	}
	in.mu.Unlock()
	if err != nil || other != nil { // closed, or joined by another call meanwhile
		in.layer.unsubscribe(in.layer.unfollow(group))
	}
	return err
}

// Leave ends the membership in a group. Leaving a group that the inbox is not
// in does nothing. A message that is being sent at this moment may still come.
func (in *Inbox) Leave(group Group) {
	in.mu.Lock()
	m := in.groups.remove(group)
	in.mu.Unlock()
	if m != nil {
		in.layer.unsubscribe(in.layer.leave(group, m))
	}
}

// Groups returns the groups that the inbox is a member of, in no order.
func (in *Inbox) Groups() []Group {
	in.mu.Lock()
	defer in.mu.Unlock()
	groups := make([]Group, 0, in.groups.len())
	for group := range in.groups.all() {
		groups = append(groups, group)
	}
	return groups
}

// Members returns the names of a group's members on this layer, in no order.
func (l *Layer) Members(group Group) []Name {
	members := l.shardOf(string(group)).snapshot(group)
	names := make([]Name, len(members))
	for i, in := range members {
		names[i] = in.name
	}
	return names
}

func (in *Inbox) joined(group Group) (bool, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil && in.resuming[group] {
		return false, errResuming
	}
	return in.groups.of(group) != nil, in.err
}

// leave ends a membership that its inbox has let go of, and returns the
// subscription if it was the last to want it.
func (l *Layer) leave(group Group, m *membership) []Subscription {
	m.stopFollowing()
	l.shardOf(string(group)).leave(group, m)
	if l.presence.used.Load() {
		l.presence.left(m.inbox, group)
	}
	return l.unfollow(group)
}

func (l *Layer) leaveAll(groups memberships) (subs []Subscription) {
	for group, m := range groups.all() {
		subs = append(subs, l.leave(group, m)...)
	}
	return subs
}

// enroll makes an inbox a member of a group that is followed.
func (l *Layer) enroll(group Group, in *Inbox) *membership {
	add := func() *membership { return l.shardOf(string(group)).join(group, in) }
	if k := l.keptNow(group); k != nil {
		return k.join(add)
	}
	return add()
}

func (s *shard) join(name Group, in *Inbox) *membership {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[name]
	if g == nil {
		if s.groups == nil {
			s.groups = make(map[Group]*group)
		}
		g = new(group)
		s.groups[name] = g
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	m := &membership{inbox: in, group: g, index: int32(len(g.members))}
	g.members = append(g.members, m)
	g.changed()
	s.members++
	return m
}

func (s *shard) leave(name Group, m *membership) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := m.group
	g.mu.Lock()
	defer g.mu.Unlock()
	last := len(g.members) - 1
	moved := g.members[last]
	g.members[m.index], g.members[last] = moved, nil
	moved.index = m.index
	g.members = g.members[:last]
	g.changed()
	s.members--
	switch {
	case last == 0:
		delete(s.groups, name)
	case last < cap(g.members)/4: // give back what a crowd has left behind
		g.members = slices.Clip(slices.Clone(g.members))
	}
}

func (s *shard) group(name Group) *group {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.groups[name]
}

// snapshot returns the group's members.
func (s *shard) snapshot(name Group) []*Inbox {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.groups[name]
	if g == nil {
		return nil
	}
	members := make([]*Inbox, len(g.members))
	for i, m := range g.members {
		members[i] = m.inbox
	}
	return members
}
