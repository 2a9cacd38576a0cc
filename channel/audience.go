package channel

import "slices"

// audience says which members of a group a message is for.
type audience struct {
	except   Name   // "" is nobody
	kept     *kept  // of a step that this reader hands out
	seq      uint64 // of the step
	resuming int    // inboxes that have it held back for them
	notice   bool   // of the layer's own, between steps
}

// members appends a message to the feeds of a group, which may be nil. It returns who
// must be handed it, and how many have it already.
func (l *Layer) members(
	g *group, message Message, to *audience,
) (hand []*membership, taken int) {
	var left *membership
	if to.except != "" {
		left = l.membership(to.except, message.group)
	}
	if g != nil {
		hand, taken = g.post(message, left)
	}
	if to.kept != nil {
		hand = to.kept.chosen(hand, to.seq)
	}
	if i := slices.Index(hand, left); left != nil && i >= 0 {
		hand = slices.Concat(hand[:i], hand[i+1:])
	}
	return hand, taken
}

// membership returns that of an inbox in a group, or nil.
func (l *Layer) membership(name Name, group Group) *membership {
	in := l.inbox(name)
	if in == nil {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.groups.of(group)
}

// letsFollow reports whether a member that was just handed the message may have its
// socket follow: it gets everything that is appended from then on.
func (to *audience) letsFollow(m *membership) bool {
	if to.notice {
		return false
	}
	return to.kept == nil || to.kept.seesAll(m)
}
