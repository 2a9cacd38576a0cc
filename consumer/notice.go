package consumer

import (
	"encoding/json"
	"slices"

	"github.com/parleygo/parley/channel"
)

// notices are the types of what the layer itself tells members.
var notices = []string{
	channel.TypeGap, channel.TypeResync, channel.TypeJoin, channel.TypeLeave,
}

func isNotice(typ string) bool { return slices.Contains(notices, typ) }

// forwardNotices has clients told what the layer says of itself, where they are told
// anything, and no handler takes it.
func (c *config) forwardNotices() {
	for _, handle := range c.layerHandlers {
		c.forwards = c.forwards || handle == nil
	}
	if !c.forwards {
		return
	}
	for _, typ := range notices {
		if _, handled := c.layerHandlers[typ]; !handled {
			c.layerHandlers[typ] = nil
		}
	}
}

// groupNotice is what a client is told about its place in a kept group.
type groupNotice struct {
	Type     string            `json:"type"`
	Group    channel.Group     `json:"group"`
	Reason   channel.GapReason `json:"reason,omitempty"`
	Position string            `json:"position"`
}

func (n groupNotice) message(typ string) channel.Message {
	payload, _ := json.Marshal(n) // of strings: it does not fail
	return channel.NewMessage(typ, payload)
}

// positionNotice tells where a group is.
func positionNotice(group channel.Group, position channel.Position) channel.Message {
	n := groupNotice{Type: "parley.position", Group: group, Position: position.String()}
	return n.message("parley.position")
}

// gapNotice tells that messages are missing in front of those that were resumed.
func gapNotice(group channel.Group, resumed channel.Resumed) channel.Message {
	position := resumed.Position
	if len(resumed.Messages) > 0 {
		position = resumed.Messages[0].Position()
		position.Offset-- // in front of it
	}
	n := groupNotice{"parley.gap", group, resumed.Gap, position.String()}
	return n.message(channel.TypeGap)
}

// slowNotice tells that a message was lost by the policy.
func slowNotice(lost channel.Message) channel.Message {
	n := groupNotice{"parley.gap", lost.Group(), channel.GapSlow, lost.Position().String()}
	return n.message(channel.TypeGap)
}

// resyncNotice makes one notice of two.
func resyncNotice(a, b channel.Message) channel.Message {
	var both struct {
		Type   string          `json:"type"`
		Groups []channel.Group `json:"groups"`
	}
	for _, one := range []channel.Message{a, b} {
		var notice struct{ Groups []channel.Group }
		_ = json.Unmarshal(one.Payload(), &notice) // what is none of the layer's names no groups
		both.Groups = append(both.Groups, notice.Groups...)
	}
	slices.Sort(both.Groups)
	both.Type = channel.TypeResync
	both.Groups = append([]channel.Group{}, slices.Compact(both.Groups)...)
	payload, _ := json.Marshal(both) // of strings: it does not fail
	return channel.NewMessage(channel.TypeResync, payload)
}
