package channel

import (
	"cmp"
	"slices"
)

// GroupSize is a group and how many members it has on this layer.
type GroupSize struct {
	Group   Group
	Members int
}

// Groups returns the largest groups of this layer, no more than limit, the largest
// first, and those of the same size by name. It looks at all groups, one part of
// them at a time, and costs nothing while nobody asks.
func (l *Layer) Groups(limit int) []GroupSize {
	if limit <= 0 {
		return nil
	}
	var list []GroupSize
	for i := range l.shards {
		list = l.shards[i].largest(list, limit)
	}
	return cut(list, limit)
}

// largest adds the shard's groups to list, and keeps that short.
func (s *shard) largest(list []GroupSize, limit int) []GroupSize {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name, g := range s.groups {
		list = append(list, GroupSize{name, len(g.members)})
		if len(list)/2 >= max(limit, 1000) {
			list = cut(list, limit)
		}
	}
	return list
}

// cut sorts list and leaves limit of it.
func cut(list []GroupSize, limit int) []GroupSize {
	slices.SortFunc(list, func(a, b GroupSize) int {
		return cmp.Or(cmp.Compare(b.Members, a.Members), cmp.Compare(a.Group, b.Group))
	})
	return list[:min(len(list), limit)]
}
