package channel

import "math"

// Newest is a position behind everything, for Inbox.Resume: what was sent before is not
// missed, and Resumed.Position says where the group is now.
var Newest = Position{Offset: math.MaxUint64}

// Keeps reports whether Options.History has a group kept.
func (l *Layer) Keeps(group Group) bool {
	_, kept := l.options.keep(group)
	return kept
}
