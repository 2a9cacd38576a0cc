package nethttp

import (
	"context"
	"slices"
	"sync"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/drain"
)

// drainable is a conversation that can be told that the server wants to end.
type drainable interface {
	drain(overdue bool)
	cut()
	describe() parley.Conversation
	id() uint64
	End(cause error)
}

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
	mu       sync.Mutex
	sockets  list[*webSocketConn]
	requests list[*httpConn]
	count    int
	empty    chan struct{} // closed when count comes to zero, made by who waits
}

func (r *registry) add(d drainable) {
	r.mu.Lock()
	defer r.mu.Unlock()
	added := false
	switch d := d.(type) {
	case *webSocketConn:
		added = r.sockets.add(d)
	case *httpConn:
		added = r.requests.add(d)
	}
	if added {
		r.count++
	}
}

func (r *registry) remove(d drainable) {
	r.mu.Lock()
	defer r.mu.Unlock()
	removed := false
	switch d := d.(type) {
	case *webSocketConn:
		removed = r.sockets.remove(d)
	case *httpConn:
		removed = r.requests.remove(d)
	}
	if !removed {
		return
	}
	if r.count--; r.count == 0 && r.empty != nil {
		close(r.empty)
		r.empty = nil
	}
}

// each goes through those present, while it holds mu.
func (r *registry) each(yield func(drainable) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := r.sockets.first; c != nil; c = c.entry.next {
		if !yield(c) {
			return
		}
	}
	for c := r.requests.first; c != nil; c = c.entry.next {
		if !yield(c) {
			return
		}
	}
}

// all returns those present now.
func (r *registry) all() []drainable {
	return slices.AppendSeq(make([]drainable, 0, r.len()), r.each)
}

// find returns the conversation with a number, or nil.
func (r *registry) find(id uint64) drainable {
	for d := range r.each {
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
