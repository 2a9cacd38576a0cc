package stateless

import (
	"context"

	"github.com/parleygo/parley"
)

// All here is called with the mutex held.

// fill gives places to those who wait for one, and makes room for the rest.
func (s *Server) fill() {
	for at := s.line.Front(); at != nil && s.free() > 0; {
		i := at.Value.(*instance)
		at = at.Next()
		if s.ending[i.name] == nil { // one at a time
			s.begin(i)
		}
	}
	for s.line.Len() > s.free()+len(s.ending) {
		i := s.leastRecent()
		if i == nil {
			return // all are at work: somebody will be done
		}
		s.stats.Evicted++
		s.stop(i, ErrEvicted)
	}
}

func (s *Server) free() int { return s.options.Max - s.alive.Len() - len(s.ending) }

// begin gives an instance a place.
func (s *Server) begin(i *instance) {
	s.line.Remove(i.place)
	i.place = s.alive.PushBack(i)
	s.start(i)
}

// succeed gives the place of an instance that has ended to one that receives what it has
// left.
func (s *Server) succeed(i *instance) {
	next := s.newInstance(i.name)
	next.unread, i.unread = i.unread, nil
	next.place = s.alive.InsertAfter(next, i.place)
	s.leave(i)
	s.start(next)
}

func (s *Server) start(i *instance) {
	ctx := context.WithValue(s.ctx, self{}, i)
	i.ctx, i.cancel = context.WithCancelCause(ctx)
	i.alive = true
	close(i.begun)
	s.stats.Begun++
	s.over.Go(i.live)
}

// leave takes an instance out of those alive.
func (s *Server) leave(i *instance) {
	s.alive.Remove(i.place)
	i.alive = false
	i.account()
}

// leaveLine forgets an instance that has not begun, and has nothing to receive any more.
func (s *Server) leaveLine(i *instance) {
	if i.alive || len(i.unread) > 0 || s.named[i.name] != i {
		return
	}
	s.line.Remove(i.place)
	delete(s.named, i.name)
}

// leastRecent returns the instance that has to go: of those that wait for events, the one
// used least recently. If all there are wait for places, and none is ending, nobody would
// ever be done; then it is one of them.
func (s *Server) leastRecent() *instance {
	at := s.alive.Front()
	stuck := at != nil && len(s.ending) == 0 && s.delivering == s.alive.Len()
	if s.waiting == 0 && !stuck {
		return nil // and nobody is looked at, which would take long where all are at work
	}
	for s.waiting > 0 && !at.Value.(*instance).waits {
		at = at.Next()
	}
	return at.Value.(*instance)
}

// account keeps the counts of those alive that wait, for events or for places. It is called
// after each change of what they depend on.
func (i *instance) account() {
	waits := i.alive && i.idle && len(i.unread) == 0
	delivers := i.alive && i.delivers > 0
	i.server.waiting += change(&i.waits, waits)
	i.server.delivering += change(&i.delivering, delivers)
}

func change(was *bool, is bool) int {
	switch {
	case *was == is:
		return 0
	case is:
		*was = true
		return 1
	}
	*was = false
	return -1
}

// stop tells an instance to end. Its name is free for another one, which begins when it has.
func (s *Server) stop(i *instance, why error) {
	s.leave(i)
	i.stopped = true
	i.cancel(why)
	delete(s.named, i.name)
	s.ending[i.name] = i
}

func (s *Server) stopAll() {
	for at := s.line.Front(); at != nil; at = s.line.Front() {
		i := at.Value.(*instance)
		i.refused = ErrClosed
		close(i.begun)
		s.line.Remove(at)
		delete(s.named, i.name)
	}
	for at := s.alive.Front(); at != nil; at = s.alive.Front() {
		s.stop(at.Value.(*instance), parley.ErrFinished)
	}
}
