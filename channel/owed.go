package channel

import (
	"encoding/json"
	"slices"
)

// owed is what the reader of a queue has to be told, for the layer has said something
// that was lost: else it would believe something wrong for ever.
type owed struct {
	groups []Group // that was said of
	behind uint64  // what was in the queue by then is read first
	last   uint64  // behind this it is told once more, if that is not the same
}

func isNotice(typ string) bool {
	switch typ {
	case TypeGap, TypeJoin, TypeLeave, TypeResync:
		return true
	}
	return false
}

// owe takes note of a message that is lost: refused, or else before all that waits. What
// comes later has no reader wait longer, who may never be fast enough. The caller holds mu.
func (in *Inbox) owe(message Message, refused bool) {
	if in.err != nil || !isNotice(message.typ) {
		return
	}
	if in.owed == nil {
		in.owed = &owed{behind: in.queue.tail, last: in.queue.tail}
	} else if refused {
		in.owed.last = in.queue.tail
	}
	for _, group := range message.concerns() {
		if in.groups.of(group) != nil && !slices.Contains(in.owed.groups, group) {
			in.owed.groups = append(in.owed.groups, group)
		}
	}
}

// concerns returns the groups that a notice is about.
func (m Message) concerns() []Group {
	if m.typ != TypeResync && m.group != "" {
		return []Group{m.group}
	}
	var notice struct{ Groups []Group }
	_ = json.Unmarshal(m.Payload(), &notice) // what is none of the layer's names no groups
	return notice.Groups
}

// due reports whether everything that was in the queue has been read.
func (o *owed) due(head uint64) bool { return o != nil && head >= o.behind }

// settleOwed returns what the reader is told. The caller holds mu.
func (in *Inbox) settleOwed() Message {
	groups := in.owed.groups
	if in.owed.behind = in.owed.last; in.owed.due(in.queue.head) {
		in.owed = nil
	}
	slices.Sort(groups)
	in.tally(countReceived)
	in.tally(countEnqueued)
	in.layer.resyncs.Add(1)
	return resyncNotice(groups)
}
