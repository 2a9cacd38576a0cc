package nethttp

import (
	"context"
	"sync"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/drain"
)

// drainable is a conversation that can be told that the server wants to end.
type drainable interface {
	place() *entry
	drain(overdue bool)
	cut()
	describe() parley.Conversation
	id() uint64
	End(cause error)
}

// entry is a conversation's place in the registry.
type entry struct{ prev, next drainable }

// track lists a conversation, and the gateway among what the process ends when it
// goes.
func (g *Gateway) track(ctx context.Context, d drainable) {
	g.join(ctx)
	g.live.add(d)
}

// join lists the gateway where a server above keeps a list of such.
func (g *Gateway) join(ctx context.Context) {
	if group := drain.From(ctx); group != nil {
		group.Join(g, g)
	}
}

// registry lists the conversations that a drain has to tell: every WebSocket,
// and the HTTP conversations that wait for their end.
type registry struct {
	mu    sync.Mutex
	first drainable
	count int
	empty chan struct{} // closed when count comes to zero, made by who waits
}

func (r *registry) add(d drainable) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lists(d) {
		return
	}
	*d.place() = entry{next: r.first}
	if r.first != nil {
		r.first.place().prev = d
	}
	r.first = d
	r.count++
}

// lists reports whether d is in the list. The caller holds mu.
func (r *registry) lists(d drainable) bool { return r.first == d || d.place().prev != nil }

func (r *registry) remove(d drainable) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := d.place()
	if !r.lists(d) {
		return
	}
	if e.prev != nil {
		e.prev.place().next = e.next
	} else {
		r.first = e.next
	}
	if e.next != nil {
		e.next.place().prev = e.prev
	}
	*e = entry{}
	if r.count--; r.count == 0 && r.empty != nil {
		close(r.empty)
		r.empty = nil
	}
}

// all returns those present now.
func (r *registry) all() []drainable {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]drainable, 0, r.count)
	for d := r.first; d != nil; d = d.place().next {
		list = append(list, d)
	}
	return list
}

// find returns the conversation with a number, or nil.
func (r *registry) find(id uint64) drainable {
	r.mu.Lock()
	defer r.mu.Unlock()
	for d := r.first; d != nil; d = d.place().next {
		if d.id() == id {
			return d
		}
	}
	return nil
}

// emptied returns a channel that is closed when nobody is left.
func (r *registry) emptied() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == 0 {
		none := make(chan struct{})
		close(none)
		return none
	}
	if r.empty == nil {
		r.empty = make(chan struct{})
	}
	return r.empty
}

func (r *registry) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}
