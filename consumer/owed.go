package consumer

import (
	"encoding/json"
	"slices"

	"github.com/parleygo/parley/channel"
)

// No policy drops what the layer says of itself: whoever has missed that would believe
// something wrong for ever. What finds no room leaves something behind, which waits
// whatever there is:
//
//   - a notice waits itself. It is made one with those that it makes needless: so there
//     are never more than groups, messages and members that they are about;
//   - a client that is not told who comes or goes is told who is there instead, behind
//     everything that it was told of it before;
//   - a message of a history leaves a gap in its place.

// owe has a letter that found no room at a place leave behind what it has to. It
// reports whether the letter itself is lost.
func (m *mailbox) owe(l letter, at int, a *App) (lost bool) {
	switch {
	case l.isNotice() && l.handle == nil && l.ofPresence():
		m.owePresent(l.message.Group(), at)
		return true
	case l.isNotice():
	case l.message.Position() == channel.Position{}:
		return true
	default:
		handle, known := a.layerHandlers[channel.TypeGap]
		if !known || l.handle != nil && handle == nil {
			return true // a client is not told of what goes to a handler
		}
		l = letter{message: l.message, handle: handle, gap: true}
		lost = true
	}
	l.missed = true
	m.items = slices.Insert(m.items, at, l)
	m.condense(at, a)
	return lost
}

// owePresent has the client be told who is in a group behind a place. If it is to be told
// already, that stays where it is, or who is never fast enough would hear nothing.
func (m *mailbox) owePresent(group channel.Group, at int) {
	tells := func(l letter) bool { return l.state == group }
	if slices.ContainsFunc(m.items[at:], tells) {
		return
	}
	if first := slices.IndexFunc(m.items, tells); first >= 0 { // another one is enough
		others := slices.DeleteFunc(m.items[first+1:], tells)
		m.items = m.items[:first+1+len(others)]
	}
	m.push(letter{state: group, missed: true})
}

// refuse is owe for a letter that is not taken in.
func (m *mailbox) refuse(l letter, c *Conn) (verdict channel.Verdict, start bool) {
	if m.closed {
		return channel.Closed, false
	}
	m.receive(c.app)
	if m.owe(l, len(m.items), c.app) && !l.isNotice() {
		verdict = channel.Full
	}
	return verdict, len(m.items) > 0 && m.wake(c)
}

// condense makes a letter that is owed one with those in front of it.
func (m *mailbox) condense(at int, a *App) {
	l := &m.items[at]
	switch {
	case l.tellsGap():
		m.condenseGaps(at)
	case l.message.Type() == channel.TypeResync:
		isResync := func(o *letter) bool { return o.message.Type() == channel.TypeResync }
		if before := m.owedBefore(at, isResync); before >= 0 {
			l.message = resyncNotice(m.items[before].message, l.message)
			m.items = slices.Delete(m.items, before, before+1)
			a.counters.add(countCoalesced)
		}
	case l.message.Type() == channel.TypeLeave && l.stay != "":
		// Who has come and gone unseen need not be mentioned.
		if before := m.owedBefore(at, func(o *letter) bool { return o.stay == l.stay }); before >= 0 {
			m.items = slices.Delete(m.items, at, at+1)
			m.items = slices.Delete(m.items, before, before+1)
			a.counters.addN(countCoalesced, 2)
		}
	}
}

// condenseGaps lets the last of several gaps stand for all between which there is
// nothing.
func (m *mailbox) condenseGaps(at int) {
	group := m.items[at].message.Group()
	for i := at - 1; i >= 0; i-- {
		l := &m.items[i]
		switch {
		case l.message.Group() != group || isNotice(l.message.Type()) && !l.tellsGap():
		case !l.tellsGap():
			return
		case l.missed:
			m.items = slices.Delete(m.items, i, i+1)
		}
	}
}

func (l *letter) tellsGap() bool { return l.gap || l.message.Type() == channel.TypeGap }

// owedBefore returns the last letter in front of a place that is owed and fits, or -1.
func (m *mailbox) owedBefore(at int, fits func(*letter) bool) int {
	for i := at - 1; i >= 0; i-- {
		if l := &m.items[i]; l.missed && fits(l) {
			return i
		}
	}
	return -1
}

func (l *letter) ofPresence() bool {
	typ := l.message.Type()
	return typ == channel.TypeJoin || typ == channel.TypeLeave
}

// isNotice reports whether a letter is what the layer says of itself, and finds out whose
// coming or going it tells a handler of. Others may send something of the same type that is
// of no group, or of nobody: of such things there may be any number.
func (l *letter) isNotice() bool {
	if !l.ofPresence() {
		return isNotice(l.message.Type())
	}
	if l.handle != nil && l.stay == "" {
		l.stay = stayOf(l.message)
	}
	return l.message.Group() != "" && (l.handle == nil || l.stay != "")
}

func stayOf(message channel.Message) string {
	var notice struct{ Member string }
	_ = json.Unmarshal(message.Payload(), &notice) // what is none of the layer's is of nobody
	return notice.Member
}
