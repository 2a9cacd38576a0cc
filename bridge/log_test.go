package bridge_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// orderLog records the order of events from any goroutine.
type orderLog struct {
	mu     sync.Mutex
	events []string
}

func (l *orderLog) add(event string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, event)
}

func (l *orderLog) want(t *testing.T, order string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if got := strings.Join(l.events, " "); got != order {
		t.Errorf("order is %q, want %q", got, order)
	}
}

// gauge counts how many are inside, and the most there were.
type gauge struct{ now, peak atomic.Int64 }

func (g *gauge) enter() {
	n := g.now.Add(1)
	for {
		peak := g.peak.Load()
		if n <= peak || g.peak.CompareAndSwap(peak, n) {
			return
		}
	}
}

func (g *gauge) leave() { g.now.Add(-1) }
