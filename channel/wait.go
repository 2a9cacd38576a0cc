package channel

import (
	"context"
	"slices"
	"time"

	"github.com/parleygo/parley/internal/options"
)

// waiter is a direct send that waits for room.
type waiter struct {
	entry entry
	done  chan struct{} // closed when the message is taken or the inbox closed
	taken bool          // written before done is closed
}

// wait waits until the message of w is taken. Nobody but the sender itself may
// notice that the messages before it have expired, so it looks again then.
func (in *Inbox) wait(ctx context.Context, w *waiter, d *delivery) error {
	for {
		expired, stop := in.nextExpiry()
		select {
		case <-w.done:
		case <-expired:
		case <-ctx.Done():
		}
		stop()
		if over, err := in.waited(ctx, w, d); over {
			return err
		}
	}
}

// waited reports whether the wait of w is over, and how it ended.
func (in *Inbox) waited(ctx context.Context, w *waiter, d *delivery) (over bool, err error) {
	in.mu.Lock()
	if in.err == nil {
		d.lost = in.expire(in.layer.now(), d.lost)
	}
	switch {
	case w.taken:
		over = true
	case in.err != nil:
		over, err = true, in.gone()
	case ctx.Err() != nil:
		over, err = true, context.Cause(ctx)
		in.waiters = slices.DeleteFunc(in.waiters, func(other *waiter) bool { return other == w })
		in.admit() // a smaller message behind it may fit
	}
	in.mu.Unlock()
	in.wake()
	return over, err
}

// nextExpiry returns a channel that is ready when the oldest message expires.
func (in *Inbox) nextExpiry() (expired <-chan time.Time, stop func() bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.queue.len() == 0 || !options.Limited(in.layer.options.Expiry) {
		return nil, func() bool { return true }
	}
	left := in.queue.at(in.queue.head).deadline - in.layer.now()
	timer := time.NewTimer(time.Duration(left))
	return timer.C, timer.Stop
}

// admit moves waiting senders into the room there is, oldest first. The caller
// holds mu.
func (in *Inbox) admit() {
	for len(in.waiters) > 0 && in.queue.fits(in.waiters[0].entry.size) {
		w := in.waiters[0]
		in.waiters = slices.Delete(in.waiters, 0, 1)
		w.entry.deadline = in.layer.deadline(in.layer.now())
		in.queue.push(w.entry)
		in.counterOf(countEnqueued).Add(1)
		w.taken = true
		close(w.done)
	}
}
