package channel

import (
	"context"
	"fmt"
)

// Send sends a message to one inbox. It returns when the inbox has taken it:
// at once, except that an inbox with the policy Block makes it wait until ctx
// ends.
//
// The error is ErrFull, ErrNoInbox, ErrTooLarge, a *NameError for the name or
// the message's type, ErrClosed, or ctx's cause, and the message was not taken.
// A message for another process is taken when the transport has it: what becomes
// of it there is counted there.
func (l *Layer) Send(ctx context.Context, name Name, message Message) error {
	if err := name.check(); err != nil {
		return err
	}
	if err := l.sendable(ctx, message); err != nil {
		return err
	}
	if l.remote(name) {
		return l.publishTo(ctx, name, envelope{kind: kindDirect, target: string(name), message: message})
	}
	in := l.inbox(name)
	if in == nil {
		l.noInbox(name, message)
		return ErrNoInbox
	}
	return l.send(ctx, in, message, true)
}

func (l *Layer) send(ctx context.Context, in *Inbox, message Message, mayWait bool) error {
	message.group = "" // a received message may be sent on
	d := l.delivery(message)
	err := in.send(ctx, &d, mayWait)
	in.shard.count.sent(err)
	in.shard.count.add(countReceived, d.handed)
	return err
}

// GroupSend sends a message to every inbox of a group. It never waits for one
// of them: a member that has no room is treated by its own policy, and the
// others do not notice. Sending to a group without members is fine.
//
// The messages of one sender reach each member in the order they were sent.
// The error is a *NameError, ErrTooLarge, ErrClosed, ctx's cause, or what a
// transport says; only in the last case has anybody received the message.
//
// Over a transport the result counts the members on this layer; what is lost
// elsewhere is counted in the Stats there.
func (l *Layer) GroupSend(ctx context.Context, group Group, message Message) (SendResult, error) {
	if err := group.check(); err != nil {
		return SendResult{}, err
	}
	if err := l.sendable(ctx, message); err != nil {
		return SendResult{}, err
	}
	result := l.groupDeliver(group, message)
	if l.wire == nil {
		return result, nil
	}
	return result, l.publish(ctx, l.wire.group(group), envelope{kind: kindGroup, target: string(group), message: message})
}

func (l *Layer) groupDeliver(group Group, message Message) SendResult {
	s := l.shardOf(string(group))
	members := s.snapshot(group)
	if len(members) == 0 {
		return SendResult{}
	}
	message.group = group
	d := l.delivery(message)
	result := fanOut(members, &d)
	s.count.add(countEnqueued, result.Enqueued)
	s.count.add(countDropped, result.Dropped)
	s.count.add(countReceived, d.handed)
	return result
}

func fanOut(members []*Inbox, d *delivery) SendResult {
	result := SendResult{Matched: len(members)}
	for rest := members; len(rest) > 0; {
		rest = rest[deliverAll(rest, d, &result):]
	}
	return result
}

// deliverAll returns how many members it has dealt with. A member whose own
// function panics is the last of them: one recover serves the whole fan-out.
func deliverAll(members []*Inbox, d *delivery, result *SendResult) (n int) {
	defer func() {
		if value := recover(); value != nil {
			members[n].blame(d, value)
			result.Dropped++
			n++
		}
	}()
	for n < len(members) {
		if members[n].deliver(d) {
			result.Enqueued++
		} else {
			result.Dropped++
		}
		n++
	}
	return n
}

// sendable tells why a message cannot be sent.
func (l *Layer) sendable(ctx context.Context, message Message) error {
	if err := checkPlain("message type", message.typ); err != nil {
		return err
	}
	if size := len(message.Payload()); size > l.options.MaxMessage {
		return fmt.Errorf("%w: %d bytes, more than %d", ErrTooLarge, size, l.options.MaxMessage)
	}
	return l.admits(ctx)
}

func (l *Layer) noInbox(name Name, message Message) {
	l.shardOf(string(name)).count.add(countDropped, 1)
	if l.options.OnDrop != nil {
		l.options.OnDrop(Drop{name, DroppedClosed, message})
	}
}
