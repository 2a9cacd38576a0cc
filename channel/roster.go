package channel

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/parleygo/parley/internal/presence"
)

// roster is who is in one group, as its members here are told, and what they are to be
// told next: one goroutine at a time does it, so all of them have one order.
type roster struct {
	layer *Layer
	group Group

	mu    sync.Mutex // never held while user code runs or anything waits
	state presence.Roster
	news  []Message
	busy  bool
}

// presenceNotice is what join and leave look like to clients.
type presenceNotice struct {
	Type  string `json:"type"`
	Group Group  `json:"group"`
	Member
}

func presenceMessage(group Group, kind byte, s presence.Stay) Message {
	typ := TypeJoin
	if kind == kindLeave {
		typ = TypeLeave
	}
	payload, _ := json.Marshal(presenceNotice{typ, group, Member{s.ID, shown(s.Show)}})
	m := NewMessage(typ, payload)
	m.group = group
	return m
}

// roster returns that of a group, and nil for one that nobody here is in.
func (p *stays) roster(group Group) *roster {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.rosters[group]
	if r == nil && p.layer.shardOf(string(group)).group(group) != nil {
		if p.rosters == nil {
			p.rosters = make(map[Group]*roster)
		}
		r = &roster{layer: p.layer, group: group}
		p.rosters[group] = r
		p.used.Store(true)
	}
	return r
}

// left is called when an inbox has left a group.
func (p *stays) left(in *Inbox, group Group) {
	p.end(in, group)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.layer.shardOf(string(group)).group(group) == nil {
		delete(p.rosters, group)
	}
}

// heard takes news of a stay, and tells members here what they do not know.
func (p *stays) heard(group Group, kind byte, s presence.Stay) {
	r := p.roster(group)
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if kind == kindJoin {
		if r.state.Join(s) {
			r.tell(kindJoin, s)
		}
		return
	}
	known, tell := r.state.Leave(s.ID, time.Now())
	if tell {
		r.tell(kindLeave, known)
	}
}

// tell is called with mu held.
func (r *roster) tell(kind byte, s presence.Stay) {
	r.news = append(r.news, presenceMessage(r.group, kind, s))
	if !r.busy {
		r.busy = true
		go r.handOut()
	}
}

// handOut hands the news to the members. If a Deliver takes the goroutine with it
// another one goes on.
func (r *roster) handOut() {
	done := false
	defer func() {
		if !done {
			go r.handOut()
		}
	}()
	for message, ok := r.next(); ok; message, ok = r.next() {
		var result SendResult // counted
		r.layer.groupDeliver(r.group, message, audience{notice: true}, &result)
	}
	done = true
}

func (r *roster) next() (message Message, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.news) == 0 {
		r.busy, r.news = false, nil
		return Message{}, false
	}
	message, r.news = r.news[0], r.news[1:]
	return message, true
}

// known is who is there, on a layer that is alone.
func (p *stays) known(group Group) []Member {
	r := p.roster(group)
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return membersOf(r.state.Known())
}

// list is who is there by the transport, which is asked, less those who are known to have
// left, and with those who are not known to.
func (p *stays) list(group Group, ask func() ([]presence.Stay, error)) ([]Member, error) {
	r, mark := p.roster(group), uint64(0)
	if r != nil {
		mark = r.mark()
	}
	present, err := ask()
	if r == nil || err != nil {
		return membersOf(present), err
	}
	k := p.layer.keeper() // somebody wants to know when they leave
	r.mu.Lock()
	first := !r.state.Listed()
	list, joined, missing := r.state.List(present, mark)
	for _, s := range joined {
		r.tell(kindJoin, s)
	}
	r.mu.Unlock()
	if first || missing {
		k.listed(group, list)
	}
	return membersOf(list), nil
}

// groups returns those of which something is known.
func (p *stays) groups() (groups []Group) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for group := range p.rosters {
		groups = append(groups, group)
	}
	return groups
}

func membersOf(list []presence.Stay) []Member {
	members := make([]Member, len(list))
	for i, s := range list {
		members[i] = Member{s.ID, shown(s.Show)}
	}
	return members
}

// reconcile takes what the transport says after something may have been missed.
func (r *roster) reconcile(present []presence.Stay, mark uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	joined, left := r.state.Reconcile(present, mark, time.Now())
	for _, s := range left {
		r.tell(kindLeave, s)
	}
	for _, s := range joined {
		r.tell(kindJoin, s)
	}
}

// accept takes news from another layer. One that does not hold what it should is
// counted as an envelope that was not understood.
func (p *stays) accept(e *envelope) bool {
	if p.layer.wire.leases == nil {
		return false
	}
	n, ok := readNews(e)
	if !ok {
		return false
	}
	p.used.Store(true)
	p.layer.keeper().heard(&n)
	for _, s := range n.stays {
		p.heard(n.group, n.kind, s)
	}
	return true
}

func (r *roster) miss() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Miss()
}

func (r *roster) mark() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Mark()
}

// interrupted has it looked at who is in groups of which something may have been missed.
func (p *stays) interrupted(groups []Group) {
	if !p.used.Load() || p.layer.wire.leases == nil {
		return
	}
	var known []Group
	p.mu.Lock()
	for _, group := range groups {
		if r := p.rosters[group]; r != nil {
			known = append(known, group)
			r.miss()
		}
	}
	p.mu.Unlock()
	p.layer.keeper().interrupted(known)
}

// close ends what presence there is, which has left already.
func (p *stays) close(ctx context.Context) {
	p.mu.Lock()
	k := p.keeper
	p.mu.Unlock()
	if k != nil {
		k.close(ctx)
	}
}
