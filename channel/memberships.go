package channel

import "iter"

// memberships are the groups of one inbox. Most inboxes are in few, and a map costs more
// than all else that there is of an idle one.
type memberships struct {
	few  []joined
	many map[Group]*membership // in place of few
}

type joined struct {
	group Group
	*membership
}

const fewGroups = 8

// of returns the membership in a group, or nil.
func (s *memberships) of(group Group) *membership {
	for i := range s.few {
		if s.few[i].group == group {
			return s.few[i].membership
		}
	}
	return s.many[group]
}

// add adds a membership in a group that there is none in.
func (s *memberships) add(group Group, m *membership) {
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
	delete(s.many, group)
	for i := range s.few {
		if s.few[i].group == group {
			last := len(s.few) - 1
			s.few[i], s.few[last] = s.few[last], joined{}
			s.few = s.few[:last]
			break
		}
	}
	return m
}

// all goes through them, in no order.
func (s *memberships) all() iter.Seq2[Group, *membership] {
	return func(yield func(Group, *membership) bool) {
		for _, j := range s.few {
			if !yield(j.group, j.membership) {
				return
			}
		}
		for group, m := range s.many {
			if !yield(group, m) {
				return
			}
		}
	}
}

func (s *memberships) len() int { return len(s.few) + len(s.many) }
