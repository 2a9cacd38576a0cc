package channel

import (
	"context"
	"fmt"

	"github.com/parleygo/parley/internal/usercode"
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
		e := envelope{kind: kindDirect, target: string(name), message: message}
		return l.publishTo(ctx, name, e)
	}
	in := l.inbox(name)
	if in == nil {
		l.noInbox(name, message)
		return ErrNoInbox
	}
	return l.send(ctx, in, message, true)
}

func (l *Layer) send(ctx context.Context, in *Inbox, message Message, mayWait bool) (err error) {
	message.group, message.kept = "", nil // a received message may be sent on
	d := l.delivery(message)
	defer l.settle(&d)
	returned := false
	usercode.Call(func() error {
		err = in.send(ctx, &d, mayWait)
		returned = true
		return nil
	}, func(failure error) {
		if !returned {
			in.blame(&d, failure)
			err = in.gone()
		}
		in.shard.count.sent(err)
		in.shard.count.add(countReceived, d.handed)
	})
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
//
// A message to a kept group, see Options.History, is appended to its log, once, and
// comes to all members in the order of the log. GroupSend returns when those on this
// layer have been handed it. If that cannot be waited for, since ctx ends first, or a
// Deliver hangs or is itself what sends, the result is zero and the message comes
// later. After an error of the transport it is not known whether the message is in the
// log.
func (l *Layer) GroupSend(
	ctx context.Context, group Group, message Message,
) (result SendResult, err error) {
	return l.groupSend(ctx, group, message, "")
}

// GroupSendExcept is GroupSend to all inboxes of the group but one, such as that of
// the client who has said something to the others. The result does not count that one.
// Who resumes in a kept group gets the message all the same: an inbox that is opened
// anew has another name.
func (l *Layer) GroupSendExcept(
	ctx context.Context, group Group, message Message, except Name,
) (result SendResult, err error) {
	if err := except.check(); err != nil {
		return SendResult{}, err
	}
	return l.groupSend(ctx, group, message, except)
}

func (l *Layer) groupSend(
	ctx context.Context, group Group, message Message, except Name,
) (result SendResult, err error) {
	if err := group.check(); err != nil {
		return SendResult{}, err
	}
	if err := l.sendable(ctx, message); err != nil {
		return SendResult{}, err
	}
	message.kept = nil // a received message may be sent on
	if keep, ok := l.options.keep(group); ok {
		return l.keptSend(ctx, group, message, except, keep)
	}
	if l.wire != nil { // deferred: other processes get it whatever members here do
		defer func() {
			e := envelope{
				kind: groupKind(except), target: string(group), except: string(except), message: message,
			}
			err = l.publish(ctx, l.wire.group(group), e)
		}()
	}
	l.groupDeliver(group, message, audience{except: except}, &result)
	return result, nil
}

// groupDeliver gives a message to those members of a group here who are meant. The
// result is there however the goroutine goes on.
func (l *Layer) groupDeliver(
	group Group, message Message, to audience, result *SendResult,
) {
	s := l.shardOf(string(group))
	message.group = group
	g := s.group(group)
	if to.kept != nil && to.kept.ctx.Err() != nil { // asked when g is known: see kept.stop
		return
	}
	hand, taken := l.members(g, message, &to)
	*result = SendResult{Matched: len(hand) + taken + to.resuming, Enqueued: taken + to.resuming}
	if result.Matched == 0 {
		return
	}
	d := l.delivery(message)
	d.handed = taken
	defer l.settle(&d)
	defer func() {
		s.count.add(countEnqueued, result.Enqueued-to.resuming)
		s.count.add(countDropped, result.Dropped)
		s.count.add(countReceived, d.handed)
	}()
	each(len(hand), func(i int) {
		if hand[i].inbox.deliver(&d) {
			result.Enqueued++
			if to.letsFollow(hand[i]) {
				hand[i].mayFollow(result.Matched)
			}
		} else {
			result.Dropped++
		}
	}, func(i int, err error) {
		hand[i].inbox.blame(&d, err)
		result.Dropped++
	})
}

// sendable returns why a message cannot be sent.
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
		l.tell([]Drop{{name, DroppedClosed, message}})
	}
}
