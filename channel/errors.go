package channel

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"

	"github.com/parleygo/parley"
)

// What can go wrong. Errors of a transport are wrapped and returned as well.
var (
	// ErrFull: the inbox has no room. The message was not taken.
	ErrFull = errors.New("channel: inbox is full")

	// ErrNoInbox: no inbox has this name. The message was not taken.
	ErrNoInbox = errors.New("channel: no inbox has this name")

	// ErrTooLarge: the message exceeds Options.MaxMessage.
	ErrTooLarge = errors.New("channel: message too large")

	// ErrName: a name breaks the rules. The error is a *NameError.
	ErrName = errors.New("channel: invalid name")

	// ErrTaken: the general name is open already. Call Receive of that inbox
	// from several goroutines instead.
	ErrTaken = errors.New("channel: name is open already")

	// ErrForeign: the process-specific name belongs to another layer.
	ErrForeign = errors.New("channel: name belongs to another layer")

	// ErrClosed: the inbox or the layer is closed. Where there is a reason the
	// error wraps that too: errors.Is(err, parley.ErrSlowConsumer). It matches
	// net.ErrClosed.
	ErrClosed error = closedError{}
)

type closedError struct{}

func (closedError) Error() string        { return "channel: closed" }
func (closedError) Is(target error) bool { return target == net.ErrClosed }

// closedBy returns the error of an inbox that was closed for this cause.
func closedBy(cause error) error {
	if cause == nil || errors.Is(cause, ErrClosed) {
		return ErrClosed
	}
	return fmt.Errorf("%w: %w", ErrClosed, cause)
}

// panicked is the cause for an inbox whose own function panicked.
func panicked(value any) error {
	return fmt.Errorf("%w: %v\n%s", parley.ErrAppPanic, value, debug.Stack())
}
