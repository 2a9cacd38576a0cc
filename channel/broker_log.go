package channel

import (
	"context"
	"time"

	"github.com/parleygo/parley/internal/history"
)

// Append implements Log. It calls those who follow without a lock, as Publish does.
func (m *memory) Append(
	ctx context.Context, subject string, payload []byte, keep Keep,
) (Position, error) {
	entry, subs, err := m.append(ctx, subject, payload, keep)
	if err != nil {
		return Position{}, err
	}
	each(len(subs), func(i int) {
		if sub := subs[i]; sub.follow != nil {
			sub.follow(entry)
		}
	}, func(_ int, failure error) { err = failure })
	return entry.Position, err
}

func (m *memory) append(
	ctx context.Context, subject string, payload []byte, keep Keep,
) (entry Entry, subs []*memorySubscription, err error) {
	err = m.locked(ctx, func(b *Broker) error {
		if b.logs == nil {
			b.logs = make(map[string]*history.Log[[]byte])
		}
		log := b.logs[subject]
		if log == nil {
			log = new(history.Log[[]byte])
			b.logs[subject] = log
		}
		e := log.Append(payload, len(payload), time.Now(), history.Bounds(keep))
		entry, subs = b.entry(e), b.subs[subject]
		return nil
	})
	return entry, subs, err
}

// entry is called with mu held.
func (b *Broker) entry(e history.Entry[[]byte]) Entry {
	return Entry{Position{b.memoryEpoch(), e.Offset}, e.Previous, e.Value}
}

// memoryEpoch is called with mu held.
func (b *Broker) memoryEpoch() string {
	if b.epoch == "" {
		b.epoch = newID()
	}
	return b.epoch
}

// Follow implements Log.
func (m *memory) Follow(
	ctx context.Context, subject string, deliver func(Entry),
) (Subscription, error) {
	return m.subscribe(ctx, &memorySubscription{memory: m, subject: subject, follow: deliver})
}

// Since implements Log.
func (m *memory) Since(
	ctx context.Context, subject string, after Position, limit int,
) (past Past, err error) {
	err = m.locked(ctx, func(b *Broker) error {
		past = Past{Epoch: b.memoryEpoch(), First: 1}
		log := b.logs[subject]
		if log == nil {
			return nil
		}
		log.Trim(time.Now())
		past.First, past.Last = log.Bounds()
		if after != (Position{}) && after.Epoch != past.Epoch {
			return nil
		}
		for _, e := range log.Since(after.Offset, limit) {
			past.Entries = append(past.Entries, b.entry(e))
		}
		return nil
	})
	return past, err
}
