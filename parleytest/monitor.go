package parleytest

import (
	"context"
	"sync"
)

// monitor guards a conversation's state and wakes those who wait for it to
// change. Unlike sync.Cond it can be waited for under a context, and a bubble
// sees through it.
type monitor struct {
	mu      sync.Mutex
	changed chan struct{} // closed at the next change
}

// update changes the state.
func (m *monitor) update(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

// until calls try, under the lock, until it reports true or ctx ends. State that
// is there already wins over a ctx that has ended: a disconnect event is
// received with the very ctx that the disconnect has ended.
func (m *monitor) until(ctx context.Context, try func() bool) error {
	for ended := false; ; {
		m.mu.Lock()
		done := try()
		if m.changed == nil {
			m.changed = make(chan struct{})
		}
		changed := m.changed
		m.mu.Unlock()
		if done {
			return nil
		}
		if ended {
			return context.Cause(ctx)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			ended = true
		}
	}
}
