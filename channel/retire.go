package channel

// Retire closes the inbox as Close does, but returns what is unread, oldest
// first, instead of discarding it: for a reader that stops and leaves its work to
// others. The messages count as received. An inbox that is closed already has
// none.
func (in *Inbox) Retire() (unread []Message) {
	in.end(ErrClosed, func(in *Inbox) (lost []Drop) {
		now := in.layer.now()
		for in.queue.len() > 0 {
			e := in.queue.pop()
			if e.deadline <= now {
				lost = in.lose(e, Expired, lost)
				continue
			}
			in.tally(countReceived)
			unread = append(unread, e.message)
		}
		in.queue.ring, in.queue.keyed = nil, nil
		return lost
	})
	return unread
}
