package consumer

import (
	"context"
	"errors"
	"fmt"

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

	// ErrUnknownType: a client has sent a message of a type that has no handler, and
	// Options.UnknownType is UnknownClose.
	ErrUnknownType = errors.New("consumer: message of a type without a handler")

	// ErrRequestTimeout is the cause of the context of a handler that has taken
	// longer than Options.RequestTimeout. It matches context.DeadlineExceeded.
	ErrRequestTimeout = fmt.Errorf("consumer: request took too long: %w", context.DeadlineExceeded)

	// ErrUnknownMessage is the cause of a connection that UnknownClose has
	// closed.
	ErrUnknownMessage = errors.New("consumer: layer message without a handler")
)

// closing is what Serve returns for a connection that was closed on purpose, by
// a kick or for falling behind: a clean end, with the code of its cause, and the
// reason that was chosen for the client, if one was.
func closing(cause error) error {
	said := parley.CloseError{Code: parley.CodeOf(cause)}
	var chosen *parley.CloseError
	if errors.As(cause, &chosen) {
		said = *chosen
	}
	return fmt.Errorf("%w: %w", &said, cause)
}
