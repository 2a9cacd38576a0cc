package channel

import (
	"context"
	"slices"
)

// join makes an inbox a member behind all steps that there are. add does the rest.
func (k *kept) join(add func() *membership) *membership {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.joined(add(), k.seq)
}

// joined remembers that a member is not handed steps up to seq. It is called with mu
// held.
func (k *kept) joined(m *membership, seq uint64) *membership {
	if seq > k.handed {
		if k.fresh == nil {
			k.fresh = make(map[*membership]uint64)
		}
		k.fresh[m] = seq
	}
	return m
}

// seesAll reports whether a member was handed all that it is ever handed by itself, so
// that its socket may follow.
func (k *kept) seesAll(m *membership) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, fresh := k.fresh[m]
	return !fresh
}

// chosen leaves those out of hand who joined behind a step.
func (k *kept) chosen(hand []*membership, seq uint64) []*membership {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.fresh) == 0 {
		return hand
	}
	chosen := make([]*membership, 0, len(hand))
	for _, m := range hand {
		if k.fresh[m] < seq {
			chosen = append(chosen, m)
		}
	}
	return chosen
}

// hold has held back for an inbox what comes behind the position that it returns.
func (k *kept) hold(r *resumption) Position {
	k.mu.Lock()
	defer k.mu.Unlock()
	r.seq = k.seq
	r.held, r.size, r.over = nil, 0, false
	if !slices.Contains(k.resuming, r) {
		k.resuming = append(k.resuming, r)
	}
	return k.position()
}

// take is called with kept.mu held.
func (r *resumption) take(message Message) {
	limit, size := r.inbox.capacity(), len(message.Payload())
	if r.over || len(r.held) > 0 && (len(r.held) >= limit.Messages || r.size+size > limit.Bytes) {
		r.held, r.size, r.over = nil, 0, true
		return
	}
	r.held = append(r.held, message)
	r.size += size
}

// holdBack gives a step to those who are resuming, and returns how many there are. The
// caller holds mu.
func (k *kept) holdBack(s keptStep) (count int) {
	for _, r := range k.resuming {
		if message, except := k.message(s); r.seq < s.seq && message.prepared != nil &&
			(except == "" || r.inbox.name != except) {
			r.take(message)
			count++
		}
	}
	return count
}

// forget lets go of an inbox that is not resuming any more.
func (k *kept) forget(r *resumption) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.leave(r)
}

// leave is called with mu held.
func (k *kept) leave(r *resumption) {
	k.resuming = slices.DeleteFunc(k.resuming, func(other *resumption) bool { return other == r })
}

// reach waits until the reader has caught up with the log as it is now.
func (k *kept) reach(ctx context.Context) error {
	k.mu.Lock()
	k.order.Skip()
	if k.caught == nil {
		k.caught = make(chan struct{})
	}
	caught := k.caught
	k.goOn()
	k.mu.Unlock()
	select {
	case <-caught:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-k.ctx.Done():
		return ErrClosed
	}
}
