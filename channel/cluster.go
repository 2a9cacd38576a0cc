package channel

import (
	"context"
	"fmt"

	"github.com/parleygo/parley/internal/usercode"
)

// What a layer does with its transport; each is nothing, or local, without one.

// remote reports whether a direct send has to take the transport: to another
// layer, or to a general name, which readers anywhere share.
func (l *Layer) remote(name Name) bool {
	return l.wire != nil && !l.own(name)
}

func (l *Layer) listen(ctx context.Context, name Name) error {
	if l.wire == nil {
		return nil
	}
	return l.wire.want(ctx, l.addressed(name))
}

// addressed is how to hear what is sent to a name.
func (l *Layer) addressed(name Name) interest {
	if l.own(name) {
		return interest{l.wire.direct(name), hears}
	}
	return interest{l.wire.direct(name), shares}
}

func (l *Layer) unlisten(name Name) []Subscription {
	if l.wire == nil {
		return nil
	}
	return l.wire.unwant(l.addressed(name))
}

// follow has a group heard, for each call until unfollow.
func (l *Layer) follow(ctx context.Context, group Group) error {
	keep, kept := l.options.keep(group)
	if l.wire == nil {
		if kept {
			l.shelves.hold(l, group, keep)
		}
		return nil
	}
	subject := l.wire.group(group)
	if err := l.wire.want(ctx, interest{subject, hears}); err != nil || !kept {
		return err
	}
	err := l.wire.want(ctx, interest{subject, follows})
	if err != nil {
		l.unsubscribe(l.wire.unwant(interest{subject, hears}))
	}
	return err
}

func (l *Layer) unfollow(group Group) []Subscription {
	_, kept := l.options.keep(group)
	if l.wire == nil {
		if kept {
			l.shelves.release(group)
		}
		return nil
	}
	subject := l.wire.group(group)
	subs := l.wire.unwant(interest{subject, hears})
	if kept {
		subs = append(subs, l.wire.unwant(interest{subject, follows})...)
	}
	return subs
}

// keptNow returns the reader of a group, and nil if it is not kept or if nobody here
// has use for it.
func (l *Layer) keptNow(group Group) *kept {
	if len(l.options.History) == 0 {
		return nil
	}
	if l.wire == nil {
		return l.shelves.now(group)
	}
	return l.wire.kept(group)
}

// publishTo publishes what is meant for one name. It refuses a general name that
// nobody can have opened, instead of losing the message in silence.
func (l *Layer) publishTo(ctx context.Context, name Name, e envelope) error {
	if _, local := name.layerID(); !local && l.wire.queues == nil {
		return errCannotShare
	}
	return l.publish(ctx, l.wire.direct(name), e)
}

func (l *Layer) publish(ctx context.Context, subject string, e envelope) error {
	e.origin = l.id
	payload := e.encode()
	if err := usercode.Run(func() error {
		return l.wire.transport.Publish(ctx, subject, payload)
	}); err != nil {
		return fmt.Errorf("channel: publish to %s: %w", subject, err)
	}
	l.shardOf(subject).count.add(countPublished, 1)
	return nil
}

// receive takes an envelope from the transport. One that is not understood, for
// whatever reason, is counted and skipped: it says nothing about the next one. The
// transport's goroutine must outlive what functions of users do.
func (w *wire) receive(subject string, payload []byte) {
	e, err := decodeEnvelope(payload)
	if err != nil || e.subject(w) != subject || e.tooLarge(w.layer.options.MaxMessage) {
		w.layer.shardOf(subject).count.add(countBadEnvelopes, 1)
		return
	}
	if e.told() {
		if e.origin != w.layer.id && !w.layer.hear(&e) {
			w.layer.shardOf(subject).count.add(countBadEnvelopes, 1)
		}
		return
	}
	_ = usercode.Apart(func() error { w.layer.accept(e); return nil }) // all is accounted for
}

// hear takes what another layer tells this one. It returns false for what it does not
// understand.
func (l *Layer) hear(e *envelope) bool {
	if e.kind == kindRules {
		return l.hearRules(e)
	}
	return l.presence.accept(e)
}

func (e *envelope) subject(w *wire) string {
	if e.toGroup() {
		return w.group(Group(e.target))
	}
	return w.direct(Name(e.target))
}

func (l *Layer) accept(e envelope) {
	if e.toGroup() && e.origin == l.id {
		return // the members here had it first
	}
	switch e.kind {
	case kindGroup, kindGroupExcept:
		if l.Keeps(Group(e.target)) {
			l.mismatch(&e, Keep{})
		}
		var result SendResult // counted
		l.groupDeliver(Group(e.target), e.message, audience{except: Name(e.except)}, &result)
	case kindGroupKick:
		l.groupKick(Group(e.target), e.cause())
	case kindDirect:
		if in := l.inbox(Name(e.target)); in != nil {
			_ = l.send(context.Background(), in, e.message, false) // counted
		} else {
			l.noInbox(Name(e.target), e.message)
		}
	case kindKick:
		if in := l.inbox(Name(e.target)); in != nil {
			in.shut(kicked(e.cause()))
		}
	}
}
