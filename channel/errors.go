package channel

import (
	"errors"
	"fmt"

	"github.com/parleygo/parley"
)

// What can go wrong. Errors of a transport are wrapped and returned as well.
var (
	// ErrFull: the inbox has no room. The message was not taken. It matches
	// parley.ErrFull.
	ErrFull error = &kind{"channel: inbox is full", parley.ErrFull}

	// ErrNoInbox: no inbox has this name. The message was not taken.
	ErrNoInbox = errors.New("channel: no inbox has this name")

	// ErrTooLarge: the message exceeds Options.MaxMessage. It matches
	// parley.ErrTooLarge.
	ErrTooLarge error = &kind{"channel: message too large", parley.ErrTooLarge}

	// ErrName: a name breaks the rules. The error is a *NameError.
	ErrName = errors.New("channel: invalid name")

	// ErrTaken: the general name is open already. Call Receive of that inbox
	// from several goroutines instead.
	ErrTaken = errors.New("channel: name is open already")

	// ErrForeign: the process-specific name belongs to another layer.
	ErrForeign = errors.New("channel: name belongs to another layer")

	// ErrPosition: a text is not that of a Position.
	ErrPosition = errors.New("channel: invalid position")

	// ErrNoLease: the owner of records has no lease that lives. It is for those who
	// implement Leases.
	ErrNoLease = errors.New("channel: no lease that lives")

	// ErrNotHeld: the job is another taker's by now, or done.
	ErrNotHeld = errors.New("channel: job is not held any more")

	// ErrClosed: the inbox or the layer is closed. Where there is a reason the
	// error wraps that too: errors.Is(err, parley.ErrSlowConsumer). It matches
	// parley.ErrClosed and net.ErrClosed.
	ErrClosed error = &kind{"channel: closed", parley.ErrClosed}
)

// kind is a condition of this package that is one of the root's as well.
type kind struct {
	text string
	root error
}

func (k *kind) Error() string { return k.text }
func (k *kind) Unwrap() error { return k.root }

// closedBy returns the error of an inbox that was closed for this cause.
func closedBy(cause error) error {
	if cause == nil || errors.Is(cause, ErrClosed) {
		return ErrClosed
	}
	return fmt.Errorf("%w: %w", ErrClosed, cause)
}
