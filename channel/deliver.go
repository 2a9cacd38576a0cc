package channel

import (
	"context"

	"github.com/parleygo/parley"
)

// delivery is a message on its way to any number of inboxes. What follows from it
// for others is kept for the end: see settle.
type delivery struct {
	message Message
	size    int
	now     int64 // the layer's clock, read once per send
	handed  int   // to sinks that have accepted it
	lost    []Drop
	ended   []ending
}

// ending is an inbox that a delivery will close.
type ending struct {
	inbox *Inbox
	cause error
}

func (l *Layer) delivery(message Message) delivery {
	return delivery{message: message, size: len(message.Payload()), now: l.now()}
}

// settle does what calls functions of users: it tells of losses, and closes. It
// is deferred, for a Deliver or Key may have ended the goroutine.
//
//parley:noescape
func (l *Layer) settle(d *delivery) {
	defer func() {
		for _, end := range d.ended {
			defer end.come() // however those before it end
		}
	}()
	l.tell(d.lost)
}

// come closes the inbox. One whose function has ended the sender's goroutine stands in
// the log too, for the sender cannot tell.
func (e ending) come() {
	defer e.inbox.shut(e.cause)
	if e.cause == parley.ErrGoexit {
		function := "InboxOptions.Key"
		if e.inbox.sink != nil {
			function = "InboxOptions.Deliver"
		}
		e.inbox.layer.fault(function, e.inbox.name, e.cause)
	}
}

// deliver gives an inbox a message from a group, which cannot wait. It reports
// whether the inbox has taken it.
func (in *Inbox) deliver(d *delivery) bool {
	verdict, _ := in.offer(d, false)
	switch verdict {
	case Accepted, Displaced:
		return true
	case Full:
		in.refuse(d, DroppedFull)
		if in.policy == CloseSlow {
			d.ended = append(d.ended, ending{in, parley.ErrSlowConsumer})
		}
	default:
		in.refuse(d, DroppedClosed)
	}
	return false
}

// send gives an inbox a message that was sent to it alone. From another process
// it cannot wait.
func (in *Inbox) send(ctx context.Context, d *delivery, mayWait bool) error {
	verdict, w := in.offer(d, mayWait && in.policy == Block)
	switch {
	case w != nil:
		err := in.wait(ctx, w, d)
		if err != nil {
			in.refuse(d, DroppedFull)
		}
		return err
	case verdict == Full:
		in.refuse(d, DroppedFull)
		return ErrFull
	case verdict == Closed:
		in.refuse(d, DroppedClosed)
		return in.gone()
	}
	return nil
}

// blame has an inbox closed whose own function has failed.
func (in *Inbox) blame(d *delivery, err error) {
	in.refuse(d, DroppedClosed)
	d.ended = append(d.ended, ending{in, err})
}

// gone is what a sender is told of a closed inbox, however shortly it came too
// late.
//
//parley:inline
func (in *Inbox) gone() error {
	if in.layer.closed.Load() {
		return ErrClosed
	}
	return ErrNoInbox
}

func (in *Inbox) refuse(d *delivery, reason DropReason) {
	in.counterOf(countDropped).Add(1)
	if in.layer.options.OnDrop != nil {
		d.lost = append(d.lost, Drop{in.name, reason, d.message})
	}
}

// offer is the one way into an inbox. It does not wait; if the sender may, and
// there is no room, it returns the place in the line that it has taken.
func (in *Inbox) offer(d *delivery, mayWait bool) (Verdict, *waiter) {
	if in.sink != nil {
		return in.hand(d), nil
	}
	e := entry{message: d.message, size: d.size, deadline: in.layer.deadline(d.now)}
	if in.key != nil && !isNotice(d.message.typ) {
		e.key = in.key(d.message)
	}
	in.mu.Lock()
	if in.err != nil {
		in.mu.Unlock()
		return Closed, nil
	}
	d.lost = in.expire(d.now, d.lost)
	var verdict Verdict
	verdict, d.lost = in.put(e, d.lost)
	var w *waiter
	if verdict == Full && mayWait {
		w = &waiter{entry: e, done: make(chan struct{})}
		in.waiters = append(in.waiters, w)
	}
	in.mu.Unlock()
	in.wake()
	return verdict, w
}

// put applies the policy. The caller holds mu.
func (in *Inbox) put(e entry, lost []Drop) (Verdict, []Drop) {
	switch {
	case e.key != "" && in.queue.replace(e):
		in.tally(countCoalesced)
		for in.queue.over() {
			if oldest := in.queue.pop(); oldest.key == e.key {
				in.queue.push(oldest) // the new one itself is not what has to go
			} else {
				lost = in.lose(oldest, Evicted, lost)
			}
		}
	case len(in.waiters) == 0 && in.queue.fits(e.size):
		in.queue.push(e)
	case in.policy == DropOldest || in.policy == Coalesce:
		for !in.queue.fits(e.size) {
			lost = in.lose(in.queue.pop(), Evicted, lost)
		}
		in.queue.push(e)
	default:
		in.owe(e.message, true)
		return Full, lost
	}
	in.counterOf(countEnqueued).Add(1)
	return Accepted, lost
}

// hand gives a message to the sink.
func (in *Inbox) hand(d *delivery) Verdict {
	if in.closed.Load() {
		return Closed
	}
	verdict := in.sink.Deliver(d.message)
	switch verdict {
	case Accepted:
		in.counterOf(countReceived).Add(1)
		d.handed++
	case Displaced:
		in.tally(countEvicted)
		if in.layer.options.OnDrop != nil {
			d.lost = append(d.lost, Drop{Name: in.name, Reason: Evicted})
		}
	case Closed:
		d.ended = append(d.ended, ending{in, parley.ErrDisconnected})
	}
	return verdict
}

// take returns the oldest message that is still good.
//
//parley:noescape
func (in *Inbox) take() (message Message, ok bool, err error) {
	in.mu.Lock()
	if in.err != nil {
		defer in.mu.Unlock()
		return Message{}, false, in.err
	}
	lost := in.expire(in.layer.now(), nil)
	if in.owed.due(in.queue.head) {
		message, ok = in.settleOwed(), true
	} else if in.queue.len() > 0 {
		message, ok = in.queue.pop().message, true
		in.tally(countReceived)
		in.admit()
	}
	more := in.queue.len() > 0 || in.owed != nil
	in.mu.Unlock()
	if more {
		in.wake() // another receiver may be waiting
	}
	in.layer.tell(lost)
	return message, ok, nil
}

// expire drops what has waited too long, and lets in who waits for the room. A
// coalesced message may be younger than those behind it; they are found when
// their turn comes. The caller holds mu.
func (in *Inbox) expire(now int64, lost []Drop) []Drop {
	for in.queue.len() > 0 && in.queue.at(in.queue.head).deadline <= now {
		lost = in.lose(in.queue.pop(), Expired, lost)
		in.admit()
	}
	return lost
}

// lose accounts for a message that had been taken. The caller holds mu.
func (in *Inbox) lose(e entry, reason DropReason, lost []Drop) []Drop {
	in.tally(reason.counter())
	in.owe(e.message, false)
	if in.layer.options.OnDrop == nil {
		return lost
	}
	return append(lost, Drop{in.name, reason, e.message})
}

// discard empties the queue. The caller holds mu.
func (in *Inbox) discard() (lost []Drop) {
	for in.queue.len() > 0 {
		lost = in.lose(in.queue.pop(), Discarded, lost)
	}
	in.queue.ring, in.queue.keyed = nil, nil
	return lost
}

// wake leaves a token for a receiver.
//
//parley:inline
func (in *Inbox) wake() {
	select {
	case in.ready <- struct{}{}:
	default:
	}
}
