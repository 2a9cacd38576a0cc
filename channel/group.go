package channel

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
)

// group is the set of members of one name. Joining and leaving change the list
// in place, in constant time; a send works on a snapshot, so that it holds no
// lock while it delivers and nobody is skipped or met twice when others come
// and go. The snapshot is made by the first send after a change: a copy of
// eight bytes a member, which is little beside the delivery itself.
type group struct {
	members  []*membership // guarded by the shard
	snapshot atomic.Pointer[[]*Inbox]
}

// membership is one inbox in one group.
type membership struct {
	inbox *Inbox
	group *group
	index int // in group.members, guarded by the shard
}

// Join makes the inbox a member of a group: from now on it receives what is
// sent to it. Joining again changes nothing. ctx bounds the wait for a
// transport when this is the layer's first member; without a transport Join
// does not wait. The error is a *NameError, Err of a closed inbox, or what the
// transport says.
func (in *Inbox) Join(ctx context.Context, group Group) error {
	if err := group.check(); err != nil {
		return err
	}
	if joined, err := in.joined(group); joined || err != nil {
		return err
	}
	if err := in.layer.follow(ctx, group); err != nil {
		return fmt.Errorf("channel: join %s: %w", group, err)
	}
	in.mu.Lock()
	err, other := in.err, in.groups[group]
	if err == nil && other == nil {
		if in.groups == nil {
			in.groups = make(map[Group]*membership)
		}
		in.groups[group] = in.layer.shardOf(string(group)).join(group, in)
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
	m := in.groups[group]
	delete(in.groups, group)
	in.mu.Unlock()
	if m != nil {
		in.layer.unsubscribe(in.layer.leave(group, m))
	}
}

// Groups returns the groups that the inbox is a member of, in no order.
func (in *Inbox) Groups() []Group {
	in.mu.Lock()
	defer in.mu.Unlock()
	groups := make([]Group, 0, len(in.groups))
	for group := range in.groups {
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
	return in.groups[group] != nil, in.err
}

// leave ends a membership that its inbox has let go of, and returns the
// subscription if it was the last to want it.
func (l *Layer) leave(group Group, m *membership) []Subscription {
	l.shardOf(string(group)).leave(group, m)
	return l.unfollow(group)
}

func (l *Layer) leaveAll(groups map[Group]*membership) (subs []Subscription) {
	for group, m := range groups {
		subs = append(subs, l.leave(group, m)...)
	}
	return subs
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
	m := &membership{inbox: in, group: g, index: len(g.members)}
	g.members = append(g.members, m)
	g.snapshot.Store(nil)
	s.members++
	return m
}

func (s *shard) leave(name Group, m *membership) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := m.group
	last := len(g.members) - 1
	moved := g.members[last]
	g.members[m.index], g.members[last] = moved, nil
	moved.index = m.index
	g.members = g.members[:last]
	g.snapshot.Store(nil)
	s.members--
	switch {
	case last == 0:
		delete(s.groups, name)
	case last < cap(g.members)/4: // give back what a crowd has left behind
		g.members = slices.Clip(slices.Clone(g.members))
	}
}

// snapshot returns the group's members: a snapshot that nobody changes.
func (s *shard) snapshot(name Group) []*Inbox {
	s.mu.RLock()
	g := s.groups[name]
	var snapshot *[]*Inbox
	if g != nil {
		snapshot = g.snapshot.Load()
	}
	s.mu.RUnlock()
	if g == nil {
		return nil
	}
	if snapshot == nil {
		snapshot = s.renew(g)
	}
	return *snapshot
}

func (s *shard) renew(g *group) *[]*Inbox {
	s.mu.Lock()
	defer s.mu.Unlock()
	if snapshot := g.snapshot.Load(); snapshot != nil {
		return snapshot // by another sender meanwhile
	}
	members := make([]*Inbox, len(g.members))
	for i, m := range g.members {
		members[i] = m.inbox
	}
	g.snapshot.Store(&members)
	return &members
}
