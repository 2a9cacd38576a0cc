package redis

import (
	"slices"
	"sync"
)

// notifier tells of interruptions, one call after the other, on a goroutine that lives
// while there is something to tell.
type notifier struct {
	tell func(subjects []string)

	mu      sync.Mutex
	waiting [][]string
	busy    bool
}

// OnInterrupt implements channel.Interrupter.
func (t *Transport) OnInterrupt(f func(subjects []string)) { t.notifier.tell = f }

// missed tells that something of these subjects may not have come.
func (n *notifier) missed(subjects []string) {
	if n.tell == nil || len(subjects) == 0 {
		return
	}
	slices.Sort(subjects)
	subjects = slices.Compact(subjects)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting = append(n.waiting, subjects)
	if !n.busy {
		n.busy = true
		go n.work()
	}
}

func (n *notifier) work() {
	for {
		n.mu.Lock()
		if len(n.waiting) == 0 {
			n.busy = false
			n.mu.Unlock()
			return
		}
		subjects := n.waiting[0]
		n.waiting = n.waiting[1:]
		n.mu.Unlock()
		n.tell(subjects)
	}
}
