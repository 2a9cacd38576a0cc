package channel

import "iter"

// memberships are the groups of one inbox. Most inboxes are in one, or in few, and a map
// costs more than all else that there is of an idle one.
type memberships struct {
	one  joined // where there are any
	more *moreMemberships
}

type joined struct {
	group Group
	*membership
}

// moreMemberships are those behind the first.
type moreMemberships struct {
	few  []joined
	many map[Group]*membership // in place of few
}

const fewGroups = 8

// of returns the membership in a group, or nil.
func (s *memberships) of(group Group) *membership {
	switch {
	case s.one.group == group:
		return s.one.membership
	case s.more == nil:
		return nil
	}
	return s.more.of(group)
}

func (s *moreMemberships) of(group Group) *membership {
	for i := range s.few {
		if s.few[i].group == group {
			return s.few[i].membership
		}
	}
	return s.many[group]
}

// add adds a membership in a group that there is none in.
func (s *memberships) add(group Group, m *membership) {
	switch {
	case s.one.membership == nil:
		s.one = joined{group, m}
		return
	case s.more == nil:
		s.more = new(moreMemberships)
	}
	s.more.add(group, m)
}

func (s *moreMemberships) add(group Group, m *membership) {
	if s.many == nil && len(s.few) < fewGroups {
		s.few = append(s.few, joined{group, m})
		return
	}
	if s.many == nil {
		s.many = make(map[Group]*membership, 2*fewGroups)
		for _, j := range s.few {
			s.many[j.group] = j.membership
		}
		s.few = nil
	}
	s.many[group] = m
}

// remove takes the membership in a group out, and returns it, or nil.
func (s *memberships) remove(group Group) *membership {
	m := s.of(group)
	switch {
	case m == nil:
	case m == s.one.membership:
		s.one = joined{}
	default:
		s.more.remove(group)
	}
	return m
}

func (s *moreMemberships) remove(group Group) {
	delete(s.many, group)
	for i := range s.few {
		if s.few[i].group == group {
			last := len(s.few) - 1
			s.few[i], s.few[last] = s.few[last], joined{}
			s.few = s.few[:last]
			break
		}
	}
}

// all goes through them, in no order.
func (s *memberships) all() iter.Seq2[Group, *membership] {
	return func(yield func(Group, *membership) bool) {
		if s.one.membership != nil && !yield(s.one.group, s.one.membership) || s.more == nil {
			return
		}
		for _, j := range s.more.few {
			if !yield(j.group, j.membership) {
				return
			}
		}
		for group, m := range s.more.many {
			if !yield(group, m) {
				return
			}
		}
	}
}

func (s *memberships) len() (n int) {
	if s.one.membership != nil {
		n = 1
	}
	if s.more != nil {
		n += len(s.more.few) + len(s.more.many)
	}
	return n
}
