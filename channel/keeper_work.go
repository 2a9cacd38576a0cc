package channel

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/parleygo/parley/internal/presence"
)

// work does what is due, and returns when there is something to do again.
func (k *keeper) work() time.Duration {
	err := k.doDue(k.layer.ctx)

	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	next := min(k.renewAt.Sub(now), k.lookAt.Sub(now))
	if err != nil {
		next = min(next, retryAfter)
	}
	if len(k.checks) > 0 {
		next = min(next, max(k.checkAt.Sub(now), retryAfter))
	}
	return max(next, 0)
}

// doDue does one thing after the other. While the lease is in doubt nothing is said.
func (k *keeper) doDue(ctx context.Context) error {
	if err := k.keepLease(ctx); err != nil {
		k.mu.Lock()
		enters := k.enters
		k.enters = nil
		k.mu.Unlock()
		k.entered(enters, err, false)
		return err
	}
	if k.due(&k.lookAt, lookEvery) {
		if err := k.reap(ctx); err != nil {
			return err
		}
	}
	return errors.Join(k.enterAll(ctx), k.say(ctx), k.check(ctx))
}

// due reports whether a time has come, and sets the next.
func (k *keeper) due(at *time.Time, every time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if now.Before(*at) {
		return false
	}
	*at = now.Add(every)
	return true
}

// keepLease renews the lease when it is time to. What takes long does so in between.
func (k *keeper) keepLease(ctx context.Context) error {
	if !k.due(&k.renewAt, renewEvery) {
		return nil
	}
	return k.renew(ctx, false)
}

// renew renews the lease, if there is one or somebody wants one, and puts right what has
// become of it: who lost it with the broker's memory is there still, and who lost it by
// being late has left for others, and comes again. Who only watches others has a lease,
// too, to notice that the broker has lost its memory: who dies then is never seen to lapse.
func (k *keeper) renew(ctx context.Context, wanted bool) error {
	groups := k.layer.presence.groups()
	k.mu.Lock()
	idle := !k.leased && !wanted && len(groups) == 0
	k.mu.Unlock()
	if idle {
		return nil
	}
	var state LeaseState
	asked := time.Now()
	err := k.call(ctx, func(ctx context.Context) (err error) {
		state, err = k.leases.Renew(ctx, k.owner, leaseLife)
		return err
	})
	if err == nil && k.take(state, asked, groups) {
		err = k.enterAgain(ctx)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.renewAt = time.Now().Add(retryAfter)
	} else {
		k.clearDoubts()
	}
	return err
}

// take reports whether the records must be entered again. Stays that others have taken
// for over become new ones. Who is in groups is asked when all have entered again.
func (k *keeper) take(state LeaseState, asked time.Time, groups []Group) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	over := state == LeaseNew || asked.Sub(k.renewed) > soon
	lost := k.leased && state != LeaseKept
	k.leased, k.renewed = true, asked
	if lost {
		k.comeAgain(over)
		k.putOff(groups)
	}
	k.rise()
	return k.behind
}

// comeAgain has all stays entered again, as new ones if others have taken them for over.
// It is called with mu held.
func (k *keeper) comeAgain(over bool) {
	k.behind = true
	if over { // what was to be said of a beginning is out of date
		k.outbox = slices.DeleteFunc(k.outbox,
			func(a announcement) bool { return a.kind == kindJoin })
	}
	held := k.held
	k.held = make(map[string]*stay, len(held))
	for _, s := range held {
		if over {
			k.outbox = append(k.outbox, announcement{s.group, kindLeave, s.now()})
			s.renew()
		}
		k.held[s.now().ID] = s
		k.outbox = append(k.outbox, announcement{s.group, kindJoin, s.now()})
	}
}

// rise has stays begin anew of which others have said that they are over, though the lease
// lives: it seemed to have lapsed when the broker's clock jumped, or its record was lost.
// It is called with mu held.
func (k *keeper) rise() {
	for _, id := range k.buried {
		s := k.held[id]
		if s == nil {
			continue // another already, or over in truth
		}
		delete(k.held, id)
		k.exits = append(k.exits, k.layer.wire.record(s.group, s.now()))
		s.renew()
		k.held[s.now().ID] = s
		k.outbox = append(k.outbox, announcement{s.group, kindJoin, s.now()})
		k.behind = true
	}
	k.buried = nil
}

// renew makes another stay of it.
func (s *stay) renew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id = newID()
}

func (k *keeper) enterAgain(ctx context.Context) error {
	k.mu.Lock()
	all := make([]*stay, 0, len(k.held))
	for _, s := range k.held {
		all = append(all, s)
	}
	k.mu.Unlock()
	if err := k.write(ctx, all); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.behind = false
	return nil
}

// write writes the records of stays. What fails may take effect all the same, even later.
func (k *keeper) write(ctx context.Context, all []*stay) error {
	if len(all) == 0 {
		return nil
	}
	records := make([]Record, len(all))
	for i, s := range all {
		records[i] = k.layer.wire.record(s.group, s.now())
	}
	err := k.call(ctx, func(ctx context.Context) error {
		return k.leases.Enter(ctx, k.owner, records)
	})
	if err != nil && !errors.Is(err, ErrNoLease) {
		k.doubt(all, records)
	}
	return err
}

// enterAll enters all who want to.
func (k *keeper) enterAll(ctx context.Context) error {
	k.mu.Lock()
	enters, leased := k.enters, k.leased
	k.enters = nil
	all := make([]*stay, len(enters))
	for i, e := range enters {
		all[i] = e.stay
	}
	k.mu.Unlock()
	if len(enters) == 0 {
		return nil
	}
	var err error
	if !leased {
		err = k.renew(ctx, true)
	}
	written := err == nil
	if written {
		err = k.write(ctx, all)
	}
	if errors.Is(err, ErrNoLease) {
		if err = k.renew(ctx, true); err == nil {
			err = k.write(ctx, all)
		}
	}
	k.entered(enters, err, written)
	return err
}

// entered tells those who wait. Who has given up meanwhile goes again, and so does who
// may be there in spite of the error.
func (k *keeper) entered(enters []*entering, err error, written bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range enters {
		if err == nil {
			k.held[e.stay.now().ID] = e.stay
		}
		if written && (e.over || err != nil) {
			k.drop(e.stay)
		}
		e.done <- err
	}
}

func (k *keeper) remove(ctx context.Context, exits []Record) error {
	if len(exits) == 0 {
		return nil
	}
	err := k.call(ctx, func(ctx context.Context) error { return k.leases.Exit(ctx, k.owner, exits) })
	if err != nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.exits = append(k.exits, exits...)
	}
	return err
}

// reap says goodbye for those whose process has died. Several survivors may do it at
// once: who has heard of a leave does not hear of it again.
func (k *keeper) reap(ctx context.Context) error {
	var lapsed []LapsedLease
	err := k.call(ctx, func(ctx context.Context) (err error) {
		lapsed, err = k.leases.Lapsed(ctx)
		return err
	})
	for _, lease := range lapsed {
		if !k.concerns(lease.Owner) {
			continue
		}
		if err := k.bury(ctx, lease); err != nil {
			return err
		}
	}
	return err
}

// concerns reports whether an owner is another layer of this system. No id has a dot.
func (k *keeper) concerns(owner string) bool {
	dot := strings.LastIndexByte(owner, '.')
	return dot >= 0 && owner[:dot] == k.layer.options.Namespace && owner != k.owner
}

// bury says of all who were there under a lease that they have left.
func (k *keeper) bury(ctx context.Context, lease LapsedLease) error {
	gone := make(map[Group][]presence.Stay)
	for _, r := range lease.Records {
		if kind, group := k.layer.wire.parse(r.Subject); kind == "group" && valid(r.Key) {
			gone[Group(group)] = append(gone[Group(group)], presence.Stay{ID: r.Key})
		}
	}
	for group, stays := range gone {
		for some := range slices.Chunk(stays, k.layer.options.leavesAtOnce()) {
			if err := k.keepLease(ctx); err != nil {
				return err
			}
			if err := k.tell(ctx, news{group, kindLeave, some}); err != nil {
				return err
			}
		}
	}
	return k.call(ctx, func(ctx context.Context) error { return k.leases.Forget(ctx, lease.Owner) })
}

// record is what a stay has under the lease.
func (w *wire) record(group Group, s presence.Stay) Record {
	return Record{w.group(group), s.ID, s.Show}
}

func (w *wire) present(ctx context.Context, group Group) ([]presence.Stay, error) {
	records, err := w.leases.Present(ctx, w.group(group))
	list := make([]presence.Stay, 0, len(records))
	for _, r := range records {
		if valid(r.Key) {
			list = append(list, presence.Stay{ID: r.Key, Show: r.Value})
		}
	}
	return list, err
}
