package parley

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// PanicError is a panic of user code on its way to whoever deals with it: on
// another goroutine than the one that panicked, or in a log. It matches
// ErrAppPanic, and the value if that is an error. It passes through further
// levels as it is, so that Stack is always that of the code which panicked.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // the stack of the goroutine that panicked, as debug.Stack prints it
}

// NewPanicError makes a PanicError of what recover has returned, in the deferred
// function that called it. One that is a *PanicError already is returned itself.
func NewPanicError(recovered any) *PanicError {
	if first, ok := recovered.(*PanicError); ok {
		return first
	}
	return &PanicError{Value: recovered, Stack: debug.Stack()}
}

// Error returns the value, without the stack: a log has a field of its own for it.
func (e *PanicError) Error() string { return fmt.Sprintf("%v: %v", ErrAppPanic, e.Value) }

// Unwrap returns ErrAppPanic, and Value if that is an error. One whose own methods panic,
// as those of a nil pointer do, is left out: whoever looks for a cause would panic.
func (e *PanicError) Unwrap() []error {
	if err, ok := e.Value.(error); ok && readable(err) {
		return []error{ErrAppPanic, err}
	}
	return []error{ErrAppPanic}
}

// readable reports whether the methods of err, and of what it wraps, return.
func readable(err error) (returned bool) {
	defer func() { returned = recover() == nil }()
	_ = err.Error()
	_ = errors.Is(err, ErrAppPanic) || errors.As(err, new(*PanicError))
	return true
}
