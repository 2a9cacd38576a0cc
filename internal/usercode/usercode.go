// Package usercode calls functions that the kit did not write, and hears of every
// way in which they can end.
package usercode

import (
	"errors"
	"fmt"

	"github.com/parleygo/parley"
)

// Call calls f and then done, on the same goroutine, with how f has ended: what it
// returned, a *parley.PanicError if it panicked, or parley.ErrGoexit if it ended its
// goroutine by runtime.Goexit. In that case the goroutine ends when done has
// returned, and Call does not return: whoever needs the goroutine must start
// another in done.
func Call(f func() error, done func(err error)) {
	err := parley.ErrGoexit
	defer func() {
		if recovered := recover(); recovered != nil {
			err = parley.NewPanicError(recovered)
		}
		done(err)
	}()
	err = Sound(f())
}

// Run calls f on this goroutine and returns what it returned, or a
// *parley.PanicError if it panicked. A runtime.Goexit takes the caller along, whose
// deferred functions run.
func Run(f func() error) (err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = parley.NewPanicError(recovered)
		}
	}()
	return Sound(f())
}

// Sound returns err if it can be looked at. The methods of an error are user code as
// well, and the easiest of Go's mistakes, a nil pointer returned as an error, has them
// panic wherever somebody asks what the error is. In its place it returns the
// *parley.PanicError of that, which names its type.
func Sound(err error) (sound error) {
	if err == nil {
		return nil
	}
	defer func() {
		if recovered := recover(); recovered != nil {
			sound = parley.NewPanicError(fmt.Sprintf("asked for its cause, a %T: %v", err, recovered))
		}
	}()
	_ = err.Error()
	_ = errors.Is(err, parley.ErrAppPanic) || errors.As(err, new(*parley.PanicError))
	return err
}

// Apart calls f on a goroutine of its own and returns how it ended, as Call tells
// it. It is for code whose end by runtime.Goexit the caller must survive.
func Apart(f func() error) error {
	ended := make(chan error, 1)
	go Call(f, func(err error) { ended <- err })
	return <-ended
}
