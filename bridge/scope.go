package bridge

import "context"

// scope binds a lane to a context. It costs one allocation; the lane is made by the first call that
// needs it.
type scope struct {
	position
	own    *Lane
	opened uintptr
	inner  bool // within another lane's context: an alias of it
	ended  bool
}

// ThreadSensitive returns a context whose calls all run on one OS thread, and the function that
// gives the thread back. Calls of [Pooled] wrappers are not affected. The thread exists from the
// first call on.
//
// Where ctx belongs to a lane already, that lane is shared and end does nothing; see [NewScope].
//
// end refuses calls from then on with [ErrClosed], waits until those accepted are done and the
// thread is gone, and returns nil. On the scope's own thread it returns [ErrDeadlock] and does
// nothing. If the scope's thread waits for the caller's, end returns ErrDeadlock and the scope ends
// in the background. end may be called repeatedly and from several goroutines. Code that may run
// below one of the scope's jobs ends it with [End], which notices that. A scope that is not ended
// keeps its thread: see Options.MaxLanes.
//
// ThreadSensitive panics if ctx is nil.
func ThreadSensitive(ctx context.Context) (inner context.Context, end func() error) {
	s := enter(ctx, true) // all work is there: this is inlined, and end need not be allocated
	return s, s.end
}

// NewScope is [ThreadSensitive] for code that wants a thread of its own even inside a lane's
// context.
func NewScope(ctx context.Context) (inner context.Context, end func() error) {
	s := enter(ctx, false)
	return s, s.end
}

func enter(ctx context.Context, share bool) *scope {
	mustContext(ctx)
	p := positionOf(ctx)
	s := &scope{position: position{Context: ctx, bridge: p.owner(), target: p.target, job: p.job}}
	if share && p.target != nil && p.bridge.open(p.target) {
		s.inner = true
		return s
	}
	s.target = s
	s.opened = callerOf(2)
	return s
}

// open reports whether a new call aimed at t could be accepted.
func (b *Bridge) open(t target) bool {
	b.mu.Lock()
	defer b.unlock()
	switch t := t.(type) {
	case *scope:
		return !t.ended && (t.own == nil || t.own.refusal == nil)
	case *Lane:
		return t.refusal == nil
	}
	return true // a key always finds a lane
}

// lane makes the scope's lane if it is the first to ask. Ended before, the scope has none.
func (s *scope) lane() (*Lane, error) {
	if s.own == nil {
		if s.ended {
			return nil, ErrClosed
		}
		s.own = s.bridge.newLane(s.bridge.opts.Lane)
		s.own.opened = s.opened
	}
	return s.own, nil
}

func (s *scope) end() error {
	if s.inner {
		return nil
	}
	b := s.bridge
	act := here(s)
	b.mu.Lock()
	l := s.own
	if act != nil && act.lane == l {
		b.unlock()
		return ErrDeadlock
	}
	s.ended = true
	if l == nil {
		b.unlock()
		return nil
	}
	l.close()
	b.unlock()
	if !l.waitEnd(act, s.caller(), nil) {
		return ErrDeadlock
	}
	return nil
}

// End ends the scope that ctx belongs to, as the end function of [ThreadSensitive] does, but waits
// no longer than ctx, and returns [ErrDeadlock] also where ctx descends from a running job of the
// scope. If ctx ends first, End returns its cause and the scope ends in the background. It returns
// [ErrNoLane] if ctx belongs to no scope.
func End(ctx context.Context) error {
	mustContext(ctx)
	s, ok := positionOf(ctx).target.(*scope)
	if !ok {
		return ErrNoLane
	}
	b := s.bridge
	b.mu.Lock()
	l := s.own
	if l == nil {
		s.ended = true
		b.unlock()
		return nil
	}
	b.unlock()
	err := l.Close(ctx)
	b.mu.Lock()
	defer b.unlock()
	if l.refusal != nil { // else it was refused from inside, and did nothing
		s.ended = true
	}
	return err
}
