package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleygo/parley/channel"
)

// Leases and their records are the keys of a bucket:
//
//	lease.OWNER                  stay and life; renewed at the time of the message
//	rec.OWNER.STAY.KEY.SUBJECT   the value of a record
//
// A stay begins when an owner has no lease that lives. Records of another stay than the
// owner's present one are not present, so nobody has to fear to remove those of the next
// with those of the last. Whoever changes a lease says which number it had.

// lease is what is known of one.
type lease struct {
	owner    string
	sequence uint64 // 0 if there is none
	exists   bool
	stay     string
	life     time.Duration
	at       time.Time // when it was renewed, by the server's clock
}

func (l *lease) lives(now time.Time) bool { return l.exists && now.Sub(l.at) < l.life }

func (l *lease) text() []byte { return fmt.Appendf(nil, "%s %d", l.stay, l.life) }

// leaseOf reads a message of a lease. It is none if its value is not one of ours: who
// removes a lease leaves such a message for a moment.
func leaseOf(owner string, sequence uint64, at time.Time, value []byte) lease {
	l := lease{owner: owner, sequence: sequence, at: at}
	n, err := fmt.Sscanf(string(value), "%s %d", &l.stay, &l.life)
	l.exists = n == 2 && err == nil && token(l.stay) == l.stay
	return l
}

// Renew implements channel.Leases.
func (t *Transport) Renew(
	ctx context.Context, owner string, life time.Duration,
) (state channel.LeaseState, err error) {
	err = t.leased(ctx, owner, func(ctx context.Context, b *bucket) error {
		asked := time.Now()
		held, err := b.lease(ctx, owner)
		if err != nil {
			return err
		}
		next := held
		if next.life = life; !held.exists {
			next.stay = rand.Text()
		}
		if next.sequence, err = b.put(ctx, next); err != nil {
			return err
		}
		renewed, err := b.lease(ctx, owner)
		if err != nil {
			return err
		}
		if renewed.sequence != next.sequence {
			return errChanged
		}
		state = channel.LeaseKept
		if !held.lives(renewed.at) {
			state, err = b.begin(ctx, held, next, asked)
		}
		if err == nil {
			b.remember(owner, asked.Add(life))
		}
		return err
	})
	return state, err
}

// begin gives an owner whose lease has lapsed, or who had none, a new stay.
func (b *bucket) begin(
	ctx context.Context, held, next lease, asked time.Time,
) (channel.LeaseState, error) {
	state := channel.LeaseNew
	if held.exists {
		next.stay = rand.Text()
		if _, err := b.put(ctx, next); err != nil {
			return state, err
		}
		return state, b.purge(ctx, b.record(held.owner, held.stay, "*")+".>")
	}
	if b.remembered(held.owner).After(asked) {
		state = channel.LeaseForgotten
	}
	return state, nil
}

// Enter implements channel.Leases.
func (t *Transport) Enter(ctx context.Context, owner string, records []channel.Record) error {
	return t.leased(ctx, owner, func(ctx context.Context, b *bucket) error {
		before, err := b.living(ctx, owner)
		if err != nil {
			return err
		}
		if err := b.write(ctx, before, records); err != nil {
			return err
		}
		after, err := b.lease(ctx, owner)
		if err != nil || after.exists && after.stay == before.stay {
			return err
		}
		if err := b.purge(ctx, b.record(owner, before.stay, "*")+".>"); err != nil {
			return err
		}
		return errChanged
	})
}

// living returns the lease of an owner if it lives.
func (b *bucket) living(ctx context.Context, owner string) (lease, error) {
	held, now, err := b.dated(ctx, owner)
	if err == nil && !held.lives(now) {
		err = channel.ErrNoLease
	}
	return held, err
}

// dated returns the lease of an owner, and what time it was for the server before.
func (b *bucket) dated(ctx context.Context, owner string) (l lease, now time.Time, err error) {
	now, _, _, err = b.transport.read(ctx,
		question{stream: b.stream(), filter: b.leaseKey(token(owner)), headersOnly: true})
	if err == nil {
		l, err = b.lease(ctx, owner)
	}
	return l, now, err
}

// write has many records on their way at once.
func (b *bucket) write(ctx context.Context, l lease, records []channel.Record) error {
	return b.each(ctx, l, len(records), func(i int) (*natsgo.Msg, error) {
		subject, err := b.subject(l.owner, l.stay, &records[i])
		return &natsgo.Msg{Subject: subject, Data: records[i].Value}, err
	}, func(string, uint64) {})
}

// Exit implements channel.Leases.
func (t *Transport) Exit(ctx context.Context, owner string, records []channel.Record) error {
	return t.leased(ctx, owner, func(ctx context.Context, b *bucket) error {
		held, err := b.lease(ctx, owner)
		if err != nil || !held.exists {
			return err
		}
		return b.erase(ctx, held, records)
	})
}

// Present implements channel.Leases.
func (t *Transport) Present(
	ctx context.Context, subject string,
) (present []channel.Record, err error) {
	tokens, err := encode(subject)
	if err != nil {
		return nil, err
	}
	err = t.leased(ctx, "", func(ctx context.Context, b *bucket) error {
		all, now, err := b.leases(ctx)
		if err != nil {
			return err
		}
		present = nil
		_, records, err := b.read(ctx, b.record("*", "*", "*")+"."+tokens)
		for _, m := range records {
			owner, stay, r, ok := b.parse(m)
			if held := all[owner]; ok && held.lives(now) && held.stay == stay {
				r.Subject = subject
				present = append(present, r)
			}
		}
		return err
	})
	return present, err
}

// Lapsed implements channel.Leases.
func (t *Transport) Lapsed(ctx context.Context) (lapsed []channel.LapsedLease, err error) {
	err = t.leased(ctx, "", func(ctx context.Context, b *bucket) error {
		all, now, err := b.leases(ctx)
		lapsed = nil
		for owner, held := range all {
			if err != nil || !held.exists || held.lives(now) {
				continue
			}
			var messages []kept
			_, messages, err = b.read(ctx, b.record(owner, held.stay, "*")+".>")
			gone := channel.LapsedLease{Owner: owner}
			for _, m := range messages {
				if _, _, r, ok := b.parse(m); ok {
					gone.Records = append(gone.Records, r)
				}
			}
			lapsed = append(lapsed, gone)
		}
		return err
	})
	return lapsed, err
}

// Forget implements channel.Leases.
func (t *Transport) Forget(ctx context.Context, owner string) error {
	return t.leased(ctx, owner, func(ctx context.Context, b *bucket) error {
		held, now, err := b.dated(ctx, owner)
		if err != nil || !held.exists || held.lives(now) {
			return err
		}
		err = b.remove(ctx, held)
		if errors.Is(err, errChanged) {
			return nil // it was renewed meanwhile, or is forgotten by others
		}
		return err
	})
}

// Drop implements channel.Leases.
func (t *Transport) Drop(ctx context.Context, owner string) error {
	return t.leased(ctx, owner, func(ctx context.Context, b *bucket) error {
		b.remember(owner, time.Time{})
		held, err := b.lease(ctx, owner)
		if err != nil || !held.exists {
			return err
		}
		return b.remove(ctx, held)
	})
}

// leased calls do with the bucket, and again while others change the same lease, or the
// bucket has to be made.
func (t *Transport) leased(
	ctx context.Context, owner string, do func(ctx context.Context, b *bucket) error,
) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if owner != "" {
		if _, err := encode(owner); err != nil {
			return err
		}
	}
	ctx, cancel := t.request(ctx)
	defer cancel()
	for {
		err := t.bucket.open(ctx)
		if err == nil {
			err = do(ctx, &t.bucket)
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errChanged) && ctx.Err() == nil:
		case gone(err) && t.bucket.lost(ctx):
		case errors.Is(err, channel.ErrNoLease):
			return fmt.Errorf("nats: %s: %w", owner, err)
		default:
			return t.unanswered(ctx, err)
		}
	}
}

// parse reads the message of a record.
func (b *bucket) parse(m kept) (owner, stay string, r channel.Record, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(m.subject, b.records()), ".", 4)
	if len(parts) != 4 {
		return "", "", r, false
	}
	owner, isOwner := untoken(parts[0])
	key, isKey := untoken(parts[2])
	subject, isSubject := decode(parts[3])
	return owner, parts[1], channel.Record{Subject: subject, Key: key, Value: m.data},
		isOwner && isKey && isSubject && m.header.Get(operation) == ""
}

// leases returns those of all owners, and what time it is for the server.
func (b *bucket) leases(ctx context.Context) (all map[string]lease, now time.Time, err error) {
	now, messages, err := b.read(ctx, b.leaseKey("*"))
	all = make(map[string]lease, len(messages))
	for _, m := range messages {
		if owner, ok := untoken(strings.TrimPrefix(m.subject, b.leaseKey(""))); ok {
			all[owner] = leaseOf(owner, m.sequence, m.at, m.data)
		}
	}
	return all, now, err
}

// lease returns the lease of an owner as the bucket's leader has it.
func (b *bucket) lease(ctx context.Context, owner string) (lease, error) {
	m, err := b.handle().GetLastMsgForSubject(ctx, b.leaseKey(token(owner)))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return lease{owner: owner}, nil
	} else if err != nil {
		return lease{}, err
	}
	return leaseOf(owner, m.Sequence, m.Time, m.Data), nil
}
