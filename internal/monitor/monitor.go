// Package monitor guards state that several goroutines change and wait for.
package monitor

import (
	"context"
	"sync"
)

// Monitor guards a state and wakes those who wait for it to change. Unlike
// sync.Cond it can be waited for under a context, and a synctest bubble sees
// through it. The zero value is ready.
type Monitor struct {
	mu      sync.Mutex
	changed chan struct{} // closed at the next change, made by who waits
}

// Update changes the state and wakes who waits.
func (m *Monitor) Update(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

// Look looks at the state.
func (m *Monitor) Look(at func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at()
}

// Until calls try, under the lock, until it reports true or ctx ends, whose cause
// it returns then. State that is there already wins over a ctx that has ended: an
// end is received with the very ctx that the end has ended.
func (m *Monitor) Until(ctx context.Context, try func() bool) error {
	for {
		changed := m.try(try)
		if changed == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if m.try(try) == nil {
				return nil
			}
			return context.Cause(ctx)
		}
	}
}

// try calls try and returns nil if it reported true, else what is closed at the
// next change.
func (m *Monitor) try(try func() bool) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if try() {
		return nil
	}
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	return m.changed
}
