package channel

import (
	"slices"
	"time"
)

// What can befall a broker, for tests of those who depend on one.

// Interrupt tells all transports that their subscriptions may have missed something,
// as if their connections had broken and were made again.
func (b *Broker) Interrupt() {
	for m, subjects := range b.connected() {
		if m.interrupt != nil && len(subjects) > 0 {
			m.interrupt(subjects)
		}
	}
}

func (b *Broker) connected() map[*memory][]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make(map[*memory][]string)
	for m := range b.open {
		all[m] = nil
	}
	for subject, subs := range b.subs {
		for _, sub := range subs {
			if !slices.Contains(all[sub.memory], subject) {
				all[sub.memory] = append(all[sub.memory], subject)
			}
		}
	}
	return all
}

// Forget loses what the broker keeps, logs, leases and jobs, as one without persistence
// does that is started again. Subscriptions stay, and nobody is told.
func (b *Broker) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.forgotten == nil {
		b.forgotten = make(map[string]time.Time)
	}
	for owner, held := range b.leases {
		b.forgotten[owner] = held.expires
	}
	b.epoch, b.logs, b.leases = "", nil, nil
	for _, q := range b.jobs {
		q.jobs = nil
	}
}

// OnInterrupt implements Interrupter.
func (m *memory) OnInterrupt(f func(subjects []string)) {
	m.broker.mu.Lock()
	defer m.broker.mu.Unlock()
	m.interrupt = f
}
