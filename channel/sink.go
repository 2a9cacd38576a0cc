package channel

import "github.com/parleygo/parley/internal/feed"

// sink is what takes the messages of an inbox without a queue. The member that an inbox
// is opened for may be one: it has no functions then, which would be two more objects.
type sink interface {
	// Deliver is as InboxOptions.Deliver.
	Deliver(message Message) Verdict

	// Closed is as InboxOptions.OnClose.
	Closed(err error)

	// HoldsBack is as InboxOptions.Capacity.
	HoldsBack() Capacity
}

// functions are a sink of those that the options have.
type functions struct {
	deliver func(Message) Verdict
	closed  func(error) // or nil
	holds   Capacity
	member  feed.Member // or nil
}

// Deliver implements sink.
func (f *functions) Deliver(message Message) Verdict { return f.deliver(message) }

// Closed implements sink.
func (f *functions) Closed(err error) {
	if f.closed != nil {
		f.closed(err)
	}
}

// HoldsBack implements sink.
func (f *functions) HoldsBack() Capacity { return f.holds }

// sinkOf returns the sink of an inbox that is opened for a member, or for none, or nil
// where the inbox has a queue.
func sinkOf(options InboxOptions, member feed.Member) sink {
	if options.Deliver != nil {
		return &functions{options.Deliver, options.OnClose, options.Capacity, member}
	}
	own, _ := member.(sink)
	return own
}

// memberOf returns the member that may have its socket follow a feed, or nil.
func memberOf(s sink) feed.Member {
	if f, ok := s.(*functions); ok {
		return f.member
	}
	member, _ := s.(feed.Member)
	return member
}

// capacity is what the inbox has room for: the queue, or what is held back for a sink.
func (in *Inbox) capacity() Capacity {
	if in.unread != nil {
		return in.queue.limit
	}
	return in.layer.options.capacity(in.name, in.sink.HoldsBack())
}

// closer returns who is told that the inbox is closed, or nil.
func (in *Inbox) closer() func(error) {
	if in.sink == nil {
		return in.unread.closer
	}
	return in.sink.Closed
}
