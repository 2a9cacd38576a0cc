package channel

import (
	"context"
	"time"
)

// lease is what an owner has at a Broker.
type lease struct {
	expires time.Time
	records map[recordKey][]byte
}

type recordKey struct{ subject, key string }

func (l *lease) lives() bool { return l != nil && time.Now().Before(l.expires) }

func (l *lease) list(wanted func(subject string) bool) (records []Record) {
	for key, value := range l.records {
		if wanted(key.subject) {
			records = append(records, Record{key.subject, key.key, value})
		}
	}
	return records
}

// Renew implements Leases.
func (m *memory) Renew(
	ctx context.Context, owner string, life time.Duration,
) (state LeaseState, err error) {
	err = m.locked(ctx, func(b *Broker) error {
		now := time.Now()
		if held := b.leases[owner]; held.lives() {
			held.expires = now.Add(life)
			return nil
		}
		state = LeaseNew
		if b.forgotten[owner].After(now) {
			state = LeaseForgotten
		}
		delete(b.forgotten, owner)
		if b.leases == nil {
			b.leases = make(map[string]*lease)
		}
		b.leases[owner] = &lease{now.Add(life), make(map[recordKey][]byte)}
		return nil
	})
	return state, err
}

// Enter implements Leases.
func (m *memory) Enter(ctx context.Context, owner string, records []Record) error {
	return m.locked(ctx, func(b *Broker) error {
		held := b.leases[owner]
		if !held.lives() {
			return ErrNoLease
		}
		for _, r := range records {
			held.records[recordKey{r.Subject, r.Key}] = r.Value
		}
		return nil
	})
}

// Exit implements Leases.
func (m *memory) Exit(ctx context.Context, owner string, records []Record) error {
	return m.locked(ctx, func(b *Broker) error {
		if held := b.leases[owner]; held != nil {
			for _, r := range records {
				delete(held.records, recordKey{r.Subject, r.Key})
			}
		}
		return nil
	})
}

// Present implements Leases.
func (m *memory) Present(ctx context.Context, subject string) (records []Record, err error) {
	err = m.locked(ctx, func(b *Broker) error {
		for _, held := range b.leases {
			if held.lives() {
				records = append(records, held.list(func(s string) bool { return s == subject })...)
			}
		}
		return nil
	})
	return records, err
}

// Lapsed implements Leases.
func (m *memory) Lapsed(ctx context.Context) (lapsed []LapsedLease, err error) {
	err = m.locked(ctx, func(b *Broker) error {
		for owner, held := range b.leases {
			if !held.lives() {
				all := held.list(func(string) bool { return true })
				lapsed = append(lapsed, LapsedLease{owner, all})
			}
		}
		return nil
	})
	return lapsed, err
}

// Forget implements Leases.
func (m *memory) Forget(ctx context.Context, owner string) error {
	return m.locked(ctx, func(b *Broker) error {
		if !b.leases[owner].lives() {
			delete(b.leases, owner)
		}
		return nil
	})
}

// Drop implements Leases.
func (m *memory) Drop(ctx context.Context, owner string) error {
	return m.locked(ctx, func(b *Broker) error {
		delete(b.leases, owner)
		return nil
	})
}
