package channel

import (
	"slices"
	"strings"

	"github.com/parleygo/parley/internal/usercode"
)

// interrupted is told by the transport which subscriptions may have missed something.
// The transport's goroutine must outlive what functions of users do.
func (w *wire) interrupted(subjects []string) {
	_ = usercode.Apart(func() error { w.layer.resync(subjects); return nil })
}

// resync has kept groups catch up, and tells inboxes what the others are.
func (l *Layer) resync(subjects []string) {
	affected := make(map[*Inbox][]Group)
	var groups []Group
	for _, subject := range subjects {
		kind, name := l.wire.parse(subject)
		switch kind {
		case "group":
			groups = append(groups, Group(name))
			l.resyncGroup(Group(name), affected)
		case "layer":
			l.resyncDirect(Name(name+"!"), affected)
		case "channel":
			l.resyncDirect(Name(name), affected) // over a Foreign
		}
	}
	l.presence.interrupted(groups)
	inboxes := make([]*Inbox, 0, len(affected))
	for in := range affected {
		inboxes = append(inboxes, in)
	}
	each(len(inboxes), func(i int) {
		in := inboxes[i]
		groups := affected[in]
		slices.Sort(groups)
		l.resyncs.Add(1)
		l.tellInbox(in, resyncNotice(slices.Compact(groups)))
	}, func(int, error) {})
}

func (l *Layer) resyncGroup(group Group, affected map[*Inbox][]Group) {
	if k := l.keptNow(group); k != nil {
		k.lookAgain()
		return
	}
	for _, in := range l.shardOf(string(group)).snapshot(group) {
		affected[in] = append(affected[in], group)
	}
}

// resyncDirect finds the inboxes that are reached through this layer's own subject.
// Those with a general name share what is sent to it, and are told of their groups
// only.
func (l *Layer) resyncDirect(name Name, affected map[*Inbox][]Group) {
	if !l.own(name) {
		return
	}
	for i := range l.shards {
		for _, in := range l.shards[i].all() {
			if _, told := affected[in]; !told && l.own(in.name) {
				affected[in] = nil
			}
		}
	}
}

// parse takes a subject of this layer apart, and returns "" for any other.
func (w *wire) parse(subject string) (kind, name string) {
	rest, ok := strings.CutPrefix(subject, w.layer.options.Namespace+".")
	if !ok {
		return "", ""
	}
	kind, name, _ = strings.Cut(rest, ".")
	return kind, name
}
