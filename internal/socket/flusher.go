package socket

import (
	"runtime"
	"sync"
)

// flusher writes what was offered to many sockets, with a few goroutines that
// come and go with the work. While a socket waits for its turn more messages
// join what it has to write.
type flusher struct {
	mu      sync.Mutex
	ready   []*Conn // sockets with something to write, the next first
	next    int     // index of the next in ready
	workers int
}

// add has c written soon.
func (f *flusher) add(c *Conn) {
	f.mu.Lock()
	f.ready = append(f.ready, c)
	start := f.workers < runtime.GOMAXPROCS(0)
	if start {
		f.workers++
	}
	f.mu.Unlock()
	if start {
		go f.work()
	}
}

func (f *flusher) work() {
	for {
		f.mu.Lock()
		if f.next == len(f.ready) {
			clear(f.ready)
			f.ready, f.next = f.ready[:0], 0
			f.workers--
			f.mu.Unlock()
			return
		}
		c := f.ready[f.next]
		f.ready[f.next] = nil
		f.next++
		f.mu.Unlock()
		c.out.turn()
	}
}
