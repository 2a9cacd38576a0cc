package bridge

import (
	"context"
	"errors"
	"fmt"

	"github.com/parleygo/parley"
)

// The conditions a call can end with besides the function's own error, a [*parley.PanicError] and
// [parley.ErrGoexit]. Compare with errors.Is; some are wrapped with what is known about the case.
var (
	// ErrClosed reports a call on a bridge, scope or lane that has ended or is ending.
	// The function did not run. It matches [parley.ErrClosed].
	ErrClosed error = &kindError{"bridge: closed", parley.ErrClosed}

	// ErrQueueFull reports a call refused because Options.QueueLimit calls were waiting already.
	// The function did not run. It matches [parley.ErrOverloaded].
	ErrQueueFull error = &kindError{"bridge: queue full", parley.ErrOverloaded}

	// ErrNoThread reports a call refused because Options.MaxLanes lanes are alive, with
	// Options.RefuseLanes. The function did not run. It matches [parley.ErrOverloaded].
	ErrNoThread error = &kindError{"bridge: no thread for another lane", parley.ErrOverloaded}

	// ErrNoLane reports a [Sensitive] call whose context names no lane, on a bridge without a
	// default lane.
	ErrNoLane = errors.New("bridge: no lane in context")

	// ErrLaneLost reports a call that was queued on a lane whose thread ended under it:
	// a job called runtime.Goexit or gave the thread away, or the start hook failed.
	ErrLaneLost = errors.New("bridge: lane lost")

	// ErrAffinity reports a lane whose thread changed: a job called runtime.UnlockOSThread hundreds
	// of times more often than LockOSThread; a lane stands a few. Noticing it is best effort. Errors
	// that carry it are ErrLaneLost too.
	ErrAffinity = errors.New("bridge: thread affinity lost")

	// ErrDeadlock reports a wait that could never end: closing a scope, lane or bridge from inside
	// itself, or a wait that would close a ring of lanes waiting for each other.
	ErrDeadlock = errors.New("bridge: would deadlock")

	// ErrTooDeep reports a call past Options.MaxDepth nested jobs on one lane.
	ErrTooDeep = errors.New("bridge: calls nested too deeply")

	// ErrNoStore reports a [Local] written through a context without a [Store].
	ErrNoStore = errors.New("bridge: no store in context")

	// ErrQueueTimeout reports a call whose [Timeout] passed before its function began.
	// errors.Is(err, context.DeadlineExceeded) holds.
	ErrQueueTimeout error = &timeoutError{"bridge: timed out in queue"}

	// ErrRunTimeout is the cause of the context of a function that outran its [Timeout], and the
	// error of such a call in [Abandon] mode. errors.Is(err, context.DeadlineExceeded) holds.
	ErrRunTimeout error = &timeoutError{"bridge: timed out while running"}
)

// errNotMade reports a zero Future: there is nothing to wait for.
var errNotMade = errors.New("bridge: zero Future was not made by a call")

// errYieldInside reports an iterator that would have paused with a call of its own left open.
var errYieldInside = errors.New("bridge: an iterator yields inside a call that it makes on its lane")

var errAffinityLost = fmt.Errorf("%w: %w", ErrLaneLost, ErrAffinity)

// kindError is a condition of the bridge that belongs to a kind which all packages know.
type kindError struct {
	text string
	kind error
}

func (e *kindError) Error() string { return e.text }
func (e *kindError) Unwrap() error { return e.kind }

type timeoutError struct{ text string }

func (e *timeoutError) Error() string        { return e.text }
func (e *timeoutError) Timeout() bool        { return true }
func (e *timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// endedError is the end of a context whose cause says more than its Err.
type endedError struct{ cause, err error }

func (e *endedError) Error() string   { return e.cause.Error() }
func (e *endedError) Unwrap() []error { return []error{e.cause, e.err} }

// endOf returns an error that matches both the cause and the plain error of a context that has
// ended. A context of the standard library has told its children by the time endOf returns.
func endOf(ctx context.Context) error {
	cause, err := context.Cause(ctx), ctx.Err()
	if errors.Is(cause, err) {
		return cause
	}
	return &endedError{cause, err}
}
