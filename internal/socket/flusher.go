package socket

import (
	"runtime"
	"sync"
	"time"

	"github.com/parleygo/parley/internal/feed"
	"github.com/parleygo/parley/internal/meter"
)

// A socket waits between two turns of the flusher: messages that follow each
// other closer than that leave together. The first message after a pause leaves
// at once. Where many sockets have something to write, a write is what limits
// them all, and a longer wait, filled with their writes, makes fewer of them.
const (
	shortPace = time.Millisecond
	longPace  = 10 * time.Millisecond
	many      = 100 // sockets
)

// flusher writes what was offered to many sockets, with a few goroutines that
// come and go with the work. While a socket waits for its turn more messages
// join what it has to write.
type flusher struct {
	mu      sync.Mutex
	ready   line // sockets to write now
	paced   line // sockets that had a turn a moment ago, the earliest first
	workers int  // goroutines at work
	resting bool // one more sleeps until the first of paced is due
}

// line is a queue of sockets.
type line struct {
	conns []*Conn
	head  int
}

func (l *line) push(c *Conn) { l.conns = append(l.conns, c) }

//parley:inline
func (l *line) len() int { return len(l.conns) - l.head }

//parley:inline
func (l *line) first() *Conn {
	if l.head == len(l.conns) {
		return nil
	}
	return l.conns[l.head]
}

//parley:inline
func (l *line) pop() {
	l.conns[l.head] = nil
	if l.head++; l.head == len(l.conns) {
		l.conns, l.head = l.conns[:0], 0
	}
}

//parley:inline
func (f *flusher) pace() time.Duration {
	if f.ready.len()+f.paced.len() < many {
		return shortPace
	}
	return longPace
}

// add has c written soon. c's last turn is known.
func (f *flusher) add(c *Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if meter.Now()-c.out.lastTurn >= f.pace() {
		f.ready.push(c)
	} else {
		f.paced.push(c)
		if f.resting {
			return
		}
	}
	if f.workers < runtime.GOMAXPROCS(0) {
		f.workers++
		go f.work()
	}
}

//parley:noescape
func (f *flusher) work() {
	for c := f.next(); c != nil; c = f.next() {
		c.out.turn()
	}
}

// next returns the socket whose turn it is, waiting for it if need be. It returns
// nil when the caller's work is done.
//
//parley:noescape
func (f *flusher) next() *Conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		if c := f.ready.first(); c != nil {
			f.ready.pop()
			return c
		}
		c := f.paced.first()
		if c == nil || f.resting {
			f.workers--
			return nil
		}
		wait := f.pace() - (meter.Now() - c.out.lastTurn)
		if wait <= 0 {
			f.paced.pop()
			return c
		}
		f.rest(wait)
	}
}

// rest sleeps. Others may work meanwhile. The caller holds mu.
//
//parley:noescape
func (f *flusher) rest(wait time.Duration) {
	f.resting = true
	f.workers--
	f.mu.Unlock()
	time.Sleep(wait)
	f.mu.Lock()
	f.workers++
	f.resting = false
}

// walk has the readers of a feed write until it is done. The next time is twice as
// far as a walk takes, so that half of the time is left to others, and to messages
// to join the next one; but no farther than the pace of many sockets.
//
//parley:noescape
func (f *flusher) walk(of *feed.Feed) {
	for {
		time.Sleep(time.Until(of.Due))
		begun := time.Now()
		of.Walk()
		pace := min(max(2*time.Since(begun), shortPace), longPace)
		of.Due = begun.Add(pace)
		if of.Done() {
			return
		}
	}
}
