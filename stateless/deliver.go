package stateless

import (
	"context"
	"slices"

	"github.com/parleygo/parley"
)

// delivery is an event on its way to an instance.
type delivery struct {
	event parley.Event
	done  chan error // told once what became of it; nil: nobody asks
}

func (d *delivery) tell(err error) bool {
	if d == nil || d.done == nil {
		return false
	}
	d.done <- err // has room for it
	return true
}

// Deliver hands an event to the instance of a name, which it begins if there is none, and
// returns when the event is in its queue. If Options.Max instances are alive, Deliver first
// waits until one of them has ended, or ctx has. It returns ErrFull if the queue is full,
// and ErrClosed if the Server does not run.
//
// Events of one goroutine arrive in their order. An event that its instance has not received
// when it returns is for the next instance of the name. One that has not received any by
// then has failed, or succeeded, with the first of them.
func (s *Server) Deliver(ctx context.Context, name string, event parley.Event) error {
	return s.deliver(ctx, name, &delivery{event: event})
}

// deliverAndWait returns when the event was dealt with.
func (s *Server) deliverAndWait(ctx context.Context, name string, event parley.Event) error {
	d := &delivery{event: event, done: make(chan error, 1)}
	if err := s.deliver(ctx, name, d); err != nil {
		return err
	}
	select {
	case err := <-d.done:
		return err
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		if i := s.named[name]; i != nil {
			i.withdraw(d)
		}
		return context.Cause(ctx)
	}
}

func (s *Server) deliver(ctx context.Context, name string, d *delivery) error {
	i, err := s.enqueue(name, d)
	if err != nil {
		return err
	}
	select {
	case <-i.begun:
		return i.refused
	default:
	}
	if caller, _ := ctx.Value(self{}).(*instance); caller != nil && caller.server == s {
		caller.countDelivers(1)
		defer caller.countDelivers(-1)
	}
	select {
	case <-i.begun:
		return i.refused
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i.withdraw(d) {
		s.leaveLine(i)
		return context.Cause(ctx)
	}
	return i.refused
}

// countDelivers notes that an instance waits for a place for another one, or has done so.
func (i *instance) countDelivers(more int) {
	i.server.mu.Lock()
	defer i.server.mu.Unlock()
	i.delivers += more
	i.account()
	i.server.fill()
}

// enqueue finds or makes the instance of a name.
func (s *Server) enqueue(name string, d *delivery) (*instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return nil, ErrClosed
	}
	i := s.named[name]
	if i == nil {
		i = s.newInstance(name)
		i.place = s.line.PushBack(i)
	}
	if len(i.unread) >= s.options.Queue {
		return nil, ErrFull
	}
	i.unread = append(i.unread, d)
	i.account()
	if i.alive {
		s.alive.MoveToBack(i.place)
		i.rouse()
	}
	s.fill()
	return i, nil
}

// withdraw takes back an event that was not received. It reports whether it could.
func (i *instance) withdraw(d *delivery) bool {
	at := slices.Index(i.unread, d)
	if at >= 0 {
		i.unread = slices.Delete(i.unread, at, at+1)
		i.account()
	}
	return at >= 0
}
