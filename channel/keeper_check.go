package channel

import (
	"context"
	"time"

	"github.com/parleygo/parley/internal/presence"
)

// check is a question to come: who is in a group, for something may have been missed.
type check struct {
	at    time.Time
	again bool // something may have been missed since it was planned
}

const checksAtOnce = 16 // while somebody may wait to enter

// plan has it asked after a while who is in groups. What is planned already stays, or who
// is always interrupted would never ask: it is asked once more after that. It is called
// with mu held.
func (k *keeper) plan(groups ...Group) {
	at := time.Now().Add(checkAfter)
	if len(k.checks) == 0 {
		k.checkAt = at
	}
	for _, group := range groups {
		if planned, ok := k.checks[group]; ok {
			k.checks[group] = check{planned.at, true}
		} else {
			k.checks[group] = check{at: at}
		}
	}
}

// putOff has it asked only after a while who is in groups: until then it means nothing that
// somebody is missing. It is called with mu held.
func (k *keeper) putOff(groups []Group) {
	for _, group := range groups {
		delete(k.checks, group)
	}
	k.plan(groups...)
}

// check asks who is in groups of which something may have been missed, of a few at once.
// The lease is looked at first: if the broker has lost its memory it is too early.
func (k *keeper) check(ctx context.Context) error {
	due := k.dueChecks()
	if len(due) == 0 {
		return nil
	}
	if err := k.renew(ctx, false); err != nil {
		return err
	}
	for group, c := range due {
		if err := k.keepLease(ctx); err != nil {
			return err
		}
		if !k.begins(group, c) {
			continue
		}
		if err := k.ask(ctx, group); err != nil {
			k.failed(group, c)
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(due) == checksAtOnce {
		k.checkAt = time.Now()
		k.nudge()
	}
	return nil
}

// dueChecks looks through them once a second, for there may be very many.
func (k *keeper) dueChecks() map[Group]check {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if len(k.checks) == 0 || now.Before(k.checkAt) {
		return nil
	}
	k.checkAt = now.Add(retryAfter)
	due := make(map[Group]check)
	for group, c := range k.checks {
		if len(due) == checksAtOnce {
			break
		}
		if !c.at.After(now) {
			due[group] = c
		}
	}
	return due
}

// begins reports whether a check is due still, and not put off. Of what is missed from now
// on it is asked another time.
func (k *keeper) begins(group Group, c check) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	planned, ok := k.checks[group]
	if !ok || !planned.at.Equal(c.at) {
		return false
	}
	delete(k.checks, group)
	if planned.again {
		k.plan(group)
	}
	return true
}

func (k *keeper) failed(group Group, c check) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, again := k.checks[group]
	k.checks[group] = check{c.at, again}
	k.checkAt = time.Now().Add(retryAfter)
}

func (k *keeper) ask(ctx context.Context, group Group) error {
	r := k.layer.presence.roster(group)
	if r == nil {
		return nil
	}
	mark := r.mark()
	var present []presence.Stay
	err := k.call(ctx, func(ctx context.Context) (err error) {
		present, err = k.layer.wire.present(ctx, group)
		return err
	})
	if err == nil {
		r.reconcile(present, mark)
	}
	return err
}
