package channel

import "encoding/json"

// Types of the messages that a layer itself sends to its inboxes. Their payloads are
// JSON objects that may go to a client as they are.
const (
	// TypeResync says that messages may have been missed, for the connection to the
	// transport broke and was made again:
	//
	//	{"type":"channel.resync","groups":["room.1","room.2"]}
	//
	// Each inbox that is affected gets one, with those of its groups that are. A kept
	// group catches up from its log instead. The groups may be none: then it is only
	// messages to the inbox alone that may have been missed.
	//
	// An inbox with a queue gets one, too, when its policy or the time has lost what the
	// layer said of a group, behind what was in the queue then: one of TypeGap, TypeJoin,
	// TypeLeave, or this. Whoever follows who is there then asks Layer.Present.
	TypeResync = "channel.resync"

	// TypeGap says that messages of a kept group are missing in front of what comes
	// next, why, and the position that the inbox is at now:
	//
	//	{"type":"parley.gap","group":"room.1","reason":"trimmed","position":"x3k:17"}
	TypeGap = "channel.gap"
)

// GapReason says why messages of a kept group are missing.
type GapReason string

const (
	// GapTrimmed: the log does not keep them any more.
	GapTrimmed GapReason = "trimmed"
	// GapEpoch: the log has lost its memory and begun another epoch, or the position
	// is not one of this log.
	GapEpoch GapReason = "epoch"
	// GapNotKept: no rule has the group kept.
	GapNotKept GapReason = "not kept"
	// GapSlow: more came while the inbox was resuming than it has room for, or a consumer's
	// policy has dropped messages for a client that is slow.
	GapSlow GapReason = "slow"
)

// gapNotice makes the message that tells members of a gap. It has the position that
// they are at behind it.
func gapNotice(group Group, reason GapReason, position Position) Message {
	payload, _ := json.Marshal(struct { // which has an encoding always
		Type     string    `json:"type"`
		Group    Group     `json:"group"`
		Reason   GapReason `json:"reason"`
		Position string    `json:"position"`
	}{"parley.gap", group, reason, position.String()})
	m := NewMessage(TypeGap, payload)
	m.group = group
	return m
}

func resyncNotice(groups []Group) Message {
	payload, _ := json.Marshal(struct {
		Type   string  `json:"type"`
		Groups []Group `json:"groups"`
	}{TypeResync, append([]Group{}, groups...)})
	return NewMessage(TypeResync, payload)
}

// tellInbox gives an inbox a message of the layer's own, or one of a group that was
// held back for it, in the way of a group's, which cannot wait.
func (l *Layer) tellInbox(in *Inbox, message Message) {
	var result SendResult
	d := l.delivery(message)
	defer l.settle(&d)
	defer func() {
		in.shard.count.add(countEnqueued, result.Enqueued)
		in.shard.count.add(countDropped, result.Dropped)
		in.shard.count.add(countReceived, d.handed)
	}()
	each(1, func(int) { result.count(in.deliver(&d)) }, func(_ int, err error) {
		in.blame(&d, err)
		result.Dropped++
	})
}
