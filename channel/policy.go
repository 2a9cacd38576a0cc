package channel

// Policy says what happens to a message for which an inbox has no room. A group
// send never waits, whatever the policy.
type Policy uint8

const (
	// CloseSlow is the default. A group send closes the inbox as a slow
	// consumer, with the cause parley.ErrSlowConsumer, and counts the message as
	// dropped: the peer notices, reconnects and catches up. A direct send
	// returns ErrFull and closes nothing.
	CloseSlow Policy = iota

	// Block makes a direct send wait for room until its ctx ends, in turn with
	// other senders. A message from a group, or from another process, cannot
	// wait: it is dropped.
	Block

	// DropOldest takes the message and drops the oldest ones.
	DropOldest

	// DropNewest drops the message. A direct send returns ErrFull.
	DropNewest

	// Coalesce keeps the latest message per key: a new one takes the place of an
	// unread older one, or, in a group that is kept, goes behind all others. When as
	// many keys wait as the inbox holds messages, the oldest message is dropped. Key is
	// InboxOptions.Key.
	Coalesce
)

func (p Policy) String() string {
	switch p {
	case CloseSlow:
		return "close"
	case Block:
		return "block"
	case DropOldest:
		return "drop oldest"
	case DropNewest:
		return "drop newest"
	case Coalesce:
		return "coalesce"
	}
	return "unknown policy"
}

// Verdict is a sink's answer to a message.
type Verdict uint8

const (
	// Accepted: the sink has taken the message.
	Accepted Verdict = iota
	// Displaced: the sink has taken the message and dropped an older one for it.
	Displaced
	// Full: the sink has no room. The inbox's policy decides: CloseSlow closes
	// the inbox, every other one drops the message.
	Full
	// Closed: the sink takes nothing any more. The inbox is closed.
	Closed
)

// SendResult says what became of a group send. Matched is always Enqueued plus
// Dropped.
type SendResult struct {
	Matched  int // inboxes that were in the group when the send began
	Enqueued int // inboxes and sinks that have taken the message
	Dropped  int // inboxes that were full, or closed meanwhile
}

func (r *SendResult) count(taken bool) {
	if taken {
		r.Enqueued++
	} else {
		r.Dropped++
	}
}

// DropReason says how a message was lost.
type DropReason uint8

const (
	// DroppedFull: there was no room, and the message was not taken.
	DroppedFull DropReason = iota
	// DroppedClosed: the inbox was closed or did not exist.
	DroppedClosed
	// Evicted: the message had been taken, and a newer one needed the room.
	Evicted
	// Expired: the message had been taken, and nobody read it in time.
	Expired
	// Discarded: the message had been taken, and the inbox was closed or flushed.
	Discarded
)

func (r DropReason) String() string {
	switch r {
	case DroppedFull:
		return "full"
	case DroppedClosed:
		return "closed"
	case Evicted:
		return "evicted"
	case Expired:
		return "expired"
	case Discarded:
		return "discarded"
	}
	return "unknown reason"
}

// Drop is one message lost to one inbox.
type Drop struct {
	Name    Name
	Reason  DropReason
	Message Message // the lost one; zero where a sink displaced a message of its own
}

func (r DropReason) counter() counter {
	switch r {
	case Evicted:
		return countEvicted
	case Expired:
		return countExpired
	case Discarded:
		return countDiscarded
	}
	return countDropped
}
