package bridge

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// The conditions a call can end with besides the function's own error.
// Compare with errors.Is; some are wrapped with what is known about the case.
var (
	// ErrClosed reports a call on a bridge, scope or lane that has ended or is ending.
	// The function did not run.
	ErrClosed = errors.New("bridge: closed")

	// ErrQueueFull reports a call refused because Options.QueueLimit calls were waiting already.
	// The function did not run.
	ErrQueueFull = errors.New("bridge: queue full")

	// ErrNoLane reports a [Sensitive] call whose context names no lane, on a bridge without a default lane.
	ErrNoLane = errors.New("bridge: no lane in context")

	// ErrLaneLost reports a call that was queued on a lane whose thread ended under it:
	// a job called runtime.Goexit or gave the thread away, or the start hook failed.
	ErrLaneLost = errors.New("bridge: lane lost")

	// ErrGoexit reports a function that ended its goroutine with runtime.Goexit
	// (testing.T.FailNow does that) instead of returning.
	ErrGoexit = errors.New("bridge: goroutine exited")

	// ErrAffinity reports a lane whose thread changed: a job called runtime.UnlockOSThread hundreds of times more often
	// than LockOSThread; a lane stands a few. Noticing it is best effort. Errors that carry it are ErrLaneLost too.
	ErrAffinity = errors.New("bridge: thread affinity lost")

	// ErrDeadlock reports a wait that could never end: closing a scope, lane or bridge from inside itself,
	// or a call that would close a ring of lanes waiting for each other.
	ErrDeadlock = errors.New("bridge: would deadlock")

	// ErrTooDeep reports a call past Options.MaxDepth nested jobs on one lane.
	ErrTooDeep = errors.New("bridge: calls nested too deeply")

	// ErrNoStore reports a [Local] written through a context without a [Store].
	ErrNoStore = errors.New("bridge: no store in context")

	// ErrQueueTimeout reports a call whose [Timeout] passed before its function began.
	// errors.Is(err, context.DeadlineExceeded) holds.
	ErrQueueTimeout error = &timeoutError{"bridge: timed out in queue"}

	// ErrRunTimeout is the cause of the context of a function that outran its [Timeout], and the error of
	// such a call in [Abandon] mode. errors.Is(err, context.DeadlineExceeded) holds.
	ErrRunTimeout error = &timeoutError{"bridge: timed out while running"}
)

// errNotMade reports a zero Future: there is nothing to wait for.
var errNotMade = errors.New("bridge: zero Future was not made by a call")

var errAffinityLost = fmt.Errorf("%w: %w", ErrLaneLost, ErrAffinity)

type timeoutError struct{ text string }

func (e *timeoutError) Error() string        { return e.text }
func (e *timeoutError) Timeout() bool        { return true }
func (e *timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// PanicError is the error of a call whose function panicked. It passes through further levels of calls
// unwrapped, so Stack is always that of the function that panicked.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // the panicking goroutine's stack, as debug.Stack prints it
}

func newPanicError(value any) *PanicError {
	if first, ok := value.(*PanicError); ok {
		return first
	}
	return &PanicError{Value: value, Stack: debug.Stack()}
}

func (e *PanicError) Error() string { return fmt.Sprintf("bridge: function panicked: %v", e.Value) }

// Unwrap returns Value if that is an error, so that errors.Is and errors.As see it.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// endedError is the end of a context whose cause says more than its Err.
type endedError struct{ cause, err error }

func (e *endedError) Error() string   { return e.cause.Error() }
func (e *endedError) Unwrap() []error { return []error{e.cause, e.err} }

// endOf returns an error that matches both the cause and the plain error of a context that has ended.
func endOf(ctx context.Context) error {
	cause, err := context.Cause(ctx), ctx.Err()
	if errors.Is(cause, err) {
		return cause
	}
	return &endedError{cause, err}
}
