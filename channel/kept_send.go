package channel

import (
	"context"
	"fmt"
	"time"

	"github.com/parleygo/parley/internal/usercode"
)

// outcome is what a call of GroupSend waits for.
type outcome struct {
	done   chan struct{} // closed when result is there
	result SendResult
}

const (
	patience = 100 * time.Millisecond // before a sender looks why its message does not come
	attempts = 20
)

// keptSend appends a message to the log of a group, once, and waits until the group's
// reader has handed it to the members here.
func (l *Layer) keptSend(
	ctx context.Context, group Group, message Message, except Name, keep Keep,
) (SendResult, error) {
	if l.wire == nil {
		k := l.shelves.hold(l, group, keep)
		defer l.shelves.release(group)
		defer k.begin()()
		message.group = group
		position := k.append(&keptMessage{message, except, true}, k.shelf.(*memoryShelf))
		return k.await(ctx, position), nil
	}
	k := l.keptNow(group)
	if k != nil {
		defer k.begin()()
	}
	e := envelope{
		kind: groupKind(except), origin: l.id, target: string(group), except: string(except),
		message: message,
	}
	position, err := l.wire.append(ctx, l.wire.group(group), e, keep)
	if err != nil {
		return SendResult{}, err
	}
	l.tellRules(ctx, group, keep)
	if k == nil {
		return SendResult{}, nil
	}
	return k.await(ctx, position), nil
}

func (w *wire) append(
	ctx context.Context, subject string, e envelope, keep Keep,
) (position Position, err error) {
	payload := e.encode()
	if err := usercode.Run(func() (err error) {
		position, err = w.log.Append(ctx, subject, payload, keep)
		return err
	}); err != nil {
		return Position{}, fmt.Errorf("channel: append to %s: %w", subject, err)
	}
	w.layer.shardOf(subject).count.add(countPublished, 1)
	return position, nil
}

// sends are calls of GroupSend that began one after the other, with the results of own
// steps that came meanwhile and that nobody waits for yet. Those of calls that failed
// nobody ever waits for: they go when all of these calls are over, and not only when
// there are none at all.
type sends struct {
	running  int
	outcomes map[Position]SendResult
}

func (s *sends) over() bool { return s == nil || s.running == 0 }

// manyOutcomes is how many results are kept before calls that begin are others.
const manyOutcomes = 64

// begin has the outcomes of own steps kept until the returned function is called.
func (k *kept) begin() (end func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sends == nil {
		k.sends = new(sends)
	}
	with := k.sends
	with.running++
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if with.running--; k.sends.over() && k.earlier.over() {
			k.sends, k.earlier = nil, nil
		}
	}
}

// keepOutcome keeps the result of a step for a call that may be about to wait for it. It
// is called with mu held.
func (k *kept) keepOutcome(position Position, result SendResult) {
	if k.sends.over() && k.earlier.over() {
		return
	}
	if len(k.sends.outcomes) >= manyOutcomes && k.earlier.over() {
		k.earlier, k.sends = k.sends, new(sends)
	}
	if k.sends.outcomes == nil {
		k.sends.outcomes = make(map[Position]SendResult)
	}
	k.sends.outcomes[position] = result
}

// takeOutcome is called with mu held.
func (k *kept) takeOutcome(position Position) (result SendResult, known bool) {
	for _, s := range []*sends{k.sends, k.earlier} {
		if s == nil {
			continue
		}
		if result, known = s.outcomes[position]; known {
			delete(s.outcomes, position)
			return result, true
		}
	}
	return SendResult{}, false
}

// await waits until the step with this position is handed out, and returns the result.
// It is the zero SendResult if that takes too long: when ctx ends, when the log cannot
// be read, or when the sender is called by the very Deliver that it waits for.
func (k *kept) await(ctx context.Context, position Position) SendResult {
	w := k.outcome(position)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for range attempts {
		select {
		case <-w.done:
			return w.result
		case <-timer.C:
			if !k.worthwhile(position) {
				return k.giveUp(position, w)
			}
			timer.Reset(patience)
		case <-ctx.Done():
			return k.giveUp(position, w)
		case <-k.ctx.Done():
			return k.giveUp(position, w)
		}
	}
	return k.giveUp(position, w)
}

func (k *kept) outcome(position Position) *outcome {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := &outcome{done: make(chan struct{})}
	if result, known := k.takeOutcome(position); known {
		w.result = result
		close(w.done)
		return w
	}
	if k.waiting == nil {
		k.waiting = make(map[Position]*outcome)
	}
	k.waiting[position] = w
	return w
}

// worthwhile reports whether the steps move. If the one that is waited for has not come
// the log is read.
func (k *kept) worthwhile(position Position) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy && time.Since(k.began) >= patience {
		return false
	}
	if epoch, last := k.order.At(); epoch == position.Epoch && last < position.Offset {
		k.order.Skip()
		k.goOn()
	}
	return true
}

// giveUp returns the result if it has come at the last moment.
func (k *kept) giveUp(position Position, w *outcome) SendResult {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.waiting, position)
	return w.result
}
