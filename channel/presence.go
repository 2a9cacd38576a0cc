package channel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley/internal/presence"
)

// Types of the messages that tell a group's members who comes and who goes. Payloads are
// JSON objects that may go to a client as they are:
//
//	{"type":"presence.join","group":"room","member":"…","show":…}
const (
	TypeJoin  = "presence.join"
	TypeLeave = "presence.leave"
)

// TypePresent is the type of the message that tells a client who is in a group; see
// Layer.PresentMessage:
//
//	{"type":"presence.state","group":"room","members":[{"member":"…","show":…}]}
const TypePresent = "presence.state"

// Member is somebody who is in a group. Each stay has an id of its own: whoever enters
// with two inboxes is there twice, and what Show says may be how others know. The bytes
// of Show are shared, and must not be changed.
type Member struct {
	ID   string          `json:"member"`
	Show json.RawMessage `json:"show"`
}

// Enter has the inbox be in a group for others to see, and shows what is given, encoded
// as JSON. It joins the group if the inbox is no member yet. All members, this one
// too, get a message of the type TypeJoin, and one of TypeLeave when the stay ends: with
// Exit, Leave, Close, or the end of the process, however that comes. Each comes once
// for each stay to all members who were there when it began, but of who enters through a
// process that dies before it could say so members may be told the end only. Entering again
// with something else to show is another stay. What goes wrong leaves no stay, but perhaps
// a membership.
//
// Over a transport that is no Leases the error matches errors.ErrUnsupported. Over one
// that is, a process keeps one lease of 25 s for all who are in groups through it, and
// renews it every 10 s: if it dies, survivors, who look every 5 s, say so within 30 s,
// by the broker's clock. A layer that lost its lease all the same, for it was cut off,
// says that its members have left and come again, with new ids.
func (in *Inbox) Enter(ctx context.Context, group Group, show any) (Member, error) {
	payload, err := json.Marshal(show)
	if err != nil {
		return Member{}, fmt.Errorf("channel: enter %s: %w", group, err)
	}
	l := in.layer
	if limit := l.options.MaxMessage; len(payload) > limit-presenceFrame {
		return Member{}, fmt.Errorf("%w: %d bytes to show", ErrTooLarge, len(payload))
	}
	if l.wire != nil && l.wire.leases == nil {
		return Member{}, errNoPresence
	}
	if err := in.Join(ctx, group); err != nil {
		return Member{}, err
	}
	p := &l.presence
	p.used.Store(true)
	if old := p.stay(in, group); old != nil {
		if bytes.Equal(old.show, payload) {
			return old.member(), nil
		}
		p.end(in, group)
	}
	s := &stay{id: newID(), inbox: in, group: group, show: payload}
	if l.wire != nil {
		if err := l.keeper().enter(ctx, s); err != nil {
			return Member{}, fmt.Errorf("channel: enter %s: %w", group, err)
		}
	}
	return p.begin(s)
}

// presenceFrame is what a message has around what is shown, at most.
const presenceFrame = 2*MaxName + 100

var errNoPresence = fmt.Errorf(
	"channel: presence over a transport without leases: %w", errors.ErrUnsupported)

// Exit ends the stay in a group that Enter has begun. The inbox remains a member.
func (in *Inbox) Exit(group Group) {
	if in.layer.presence.used.Load() {
		in.layer.presence.end(in, group)
	}
}

// Present returns who is in a group, in any process, in no order. Who members here were
// told of is there until they are told that it has left. Callers who ask for the
// same group at once share one question to the transport, which is put after each of them
// has asked. The error is that of a transport.
func (l *Layer) Present(ctx context.Context, group Group) ([]Member, error) {
	if err := l.mayAsk(ctx, group); err != nil {
		return nil, err
	}
	if l.wire == nil {
		return l.presence.known(group), nil
	}
	q, err := l.ask(ctx, group)
	if err != nil {
		return nil, fmt.Errorf("channel: present in %s: %w", group, err)
	}
	return q.asMembers(), nil
}

// PresentMessage returns what Present does as a message of the type TypePresent, for
// clients. Callers who share the answer share the message, too, which is encoded and framed
// once.
func (l *Layer) PresentMessage(ctx context.Context, group Group) (Message, error) {
	if err := l.mayAsk(ctx, group); err != nil {
		return Message{}, err
	}
	q, err := l.ask(ctx, group)
	if err != nil {
		return Message{}, fmt.Errorf("channel: present in %s: %w", group, err)
	}
	return q.asMessage(), nil
}

func (l *Layer) mayAsk(ctx context.Context, group Group) error {
	if err := group.check(); err != nil {
		return err
	}
	if err := l.admits(ctx); err != nil {
		return err
	}
	if l.wire != nil && l.wire.leases == nil {
		return errNoPresence
	}
	return nil
}

// stays is what a layer knows of presence.
type stays struct {
	layer *Layer
	used  atomic.Bool // there was ever something to know

	mu      sync.Mutex // never held while user code runs or anything waits
	own     map[stayKey]*stay
	rosters map[Group]*roster
	keeper  *keeper
}

type stayKey struct {
	inbox *Inbox
	group Group
}

// stay is an inbox that is in a group.
type stay struct {
	inbox *Inbox
	group Group
	show  []byte

	mu sync.Mutex
	id string // another when the lease was lost
}

func (s *stay) now() presence.Stay {
	s.mu.Lock()
	defer s.mu.Unlock()
	return presence.Stay{ID: s.id, Show: s.show}
}

func (s *stay) member() Member { return Member{s.now().ID, s.show} }

func (p *stays) stay(in *Inbox, group Group) *stay {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.own[stayKey{in, group}]
}

// begin tells of a stay, unless the inbox has left meanwhile.
func (p *stays) begin(s *stay) (Member, error) {
	key := stayKey{s.inbox, s.group}
	p.mu.Lock()
	other := p.own[key]
	if other == nil {
		if p.own == nil {
			p.own = make(map[stayKey]*stay)
		}
		p.own[key] = s
	}
	p.mu.Unlock()
	if other != nil { // entered by another call meanwhile
		p.over(s)
		return other.member(), nil
	}
	member := s.member()
	p.told(s.group, kindJoin, s.now())
	if joined, err := s.inbox.joined(s.group); !joined { // Leave may have been too early
		p.end(s.inbox, s.group)
		return Member{}, errors.Join(err, ErrNoInbox)
	}
	return member, nil
}

// end ends the stay of an inbox in a group, if there is one.
func (p *stays) end(in *Inbox, group Group) {
	p.mu.Lock()
	s := p.own[stayKey{in, group}]
	delete(p.own, stayKey{in, group})
	p.mu.Unlock()
	if s != nil {
		p.over(s)
	}
}

func (p *stays) over(s *stay) {
	gone := s.now()
	if p.layer.wire != nil {
		gone = p.layer.keeper().exit(s)
	}
	p.heard(s.group, kindLeave, gone)
}

// told tells of own news, here at once and elsewhere soon.
func (p *stays) told(group Group, kind byte, s presence.Stay) {
	if p.layer.wire != nil {
		p.layer.keeper().announce(announcement{group, kind, s})
	}
	p.heard(group, kind, s)
}
