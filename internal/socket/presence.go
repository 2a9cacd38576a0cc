package socket

import (
	"sync"
	"sync/atomic"
	"time"
)

// awayAfter is how long, at least, the app may leave a socket unread before a
// watcher reads ahead, answers pings and looks out for the end in its place. At
// most it is twice as long.
const awayAfter = 10 * time.Millisecond

// presence is whether the app of a socket is waiting in Read. A timer for each
// absence would cost a busy socket more than its parsing does: being away and
// back is two stores, and one sweeper looks after all sockets that were busy
// since it last looked.
type presence struct {
	away   atomic.Bool   // the app is not in Read
	turns  atomic.Uint32 // how often it has left
	listed atomic.Bool   // the sweeper has the socket on its list
	swept  uint32        // turns when the sweeper last looked
}

// sweeper starts the watchers of sockets whose app stays away. It runs while any
// socket is busy.
type sweeper struct {
	mu    sync.Mutex
	busy  []*Conn
	timer *time.Timer
}

// appLeaves notes that the app does something else now.
func (c *Conn) appLeaves() {
	p := &c.in.presence
	p.turns.Add(1)
	p.away.Store(true)
	if p.listed.CompareAndSwap(false, true) {
		c.made.sweeper.list(c)
	}
}

// appReturns notes that the app is in Read.
func (c *Conn) appReturns() { c.in.presence.away.Store(false) }

func (s *sweeper) list(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = append(s.busy, c)
	if len(s.busy) > 1 {
		return
	}
	if s.timer == nil {
		s.timer = time.AfterFunc(awayAfter, s.sweep)
	} else {
		s.timer.Reset(awayAfter)
	}
}

// sweep keeps the sockets that were busy since the last time, and those whose
// app may have left just now.
func (s *sweeper) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	still := s.busy[:0]
	for _, c := range s.busy {
		if s.keep(c) {
			still = append(still, c)
		}
	}
	clear(s.busy[len(still):])
	if s.busy = still; len(still) > 0 {
		s.timer.Reset(awayAfter)
	}
}

func (s *sweeper) keep(c *Conn) bool {
	p := &c.in.presence
	turns := p.turns.Load()
	if turns != p.swept {
		p.swept = turns
		return true
	}
	p.listed.Store(false) // from here on an app that leaves lists the socket itself
	if p.turns.Load() != turns {
		return p.listed.CompareAndSwap(false, true)
	}
	if p.away.Load() {
		go c.appIsAway()
	}
	return false
}
