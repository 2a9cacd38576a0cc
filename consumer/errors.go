package consumer

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/parleygo/parley"
)

var (
	// ErrStop is what a hook or handler returns to end its connection cleanly,
	// with 1000. From Connect it denies with 403.
	ErrStop = errors.New("consumer: stop")

	// ErrDenied is the cause of Disconnect if Connect has denied the client.
	ErrDenied = errors.New("consumer: client was denied")

	// ErrNoLayer: the App has no channel layer.
	ErrNoLayer = errors.New("consumer: no channel layer")

	// ErrUnknownMessage is the cause of a connection that UnknownClose has
	// closed.
	ErrUnknownMessage = errors.New("consumer: layer message without a handler")
)

// handlerPanic is a panic on its way from the goroutine of a handler to that of
// Serve, where the adapter deals with it.
type handlerPanic struct {
	value any
	stack []byte
}

func panicked(value any) *handlerPanic {
	if already, ok := value.(*handlerPanic); ok {
		return already
	}
	return &handlerPanic{value, debug.Stack()}
}

func (p *handlerPanic) Error() string {
	return fmt.Sprintf("consumer: handler panicked: %v\n\n%s", p.value, p.stack)
}

// Unwrap makes the error match what the handler panicked with.
func (p *handlerPanic) Unwrap() []error {
	if err, ok := p.value.(error); ok {
		return []error{parley.ErrAppPanic, err}
	}
	return []error{parley.ErrAppPanic}
}

// closing is what Serve returns for a connection that was closed on purpose, by
// a kick or for falling behind: a clean end, with the code of its cause.
func closing(cause error) error {
	code := parley.CodeOf(cause)
	return fmt.Errorf("%w: %w", &parley.CloseError{Code: code}, cause)
}

// disconnected makes an error that is ErrDisconnected of a cause.
func disconnected(cause error) error {
	switch {
	case cause == nil:
		return parley.ErrDisconnected
	case errors.Is(cause, parley.ErrDisconnected):
		return cause
	}
	return fmt.Errorf("%w: %w", parley.ErrDisconnected, cause)
}

func unexpected(event parley.Event, err error) error {
	if err == nil {
		err = fmt.Errorf("consumer: unexpected event %s", event.EventType())
	}
	return err
}
