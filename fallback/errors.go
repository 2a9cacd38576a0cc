package fallback

import (
	"errors"
	"fmt"

	"github.com/parleygo/parley"
)

// reasonOf is what the client may be told of an error: nothing, unless the error
// is made to be told.
func reasonOf(err error) string {
	var said *parley.CloseError
	if errors.As(err, &said) {
		return said.Reason
	}
	return ""
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
		err = fmt.Errorf("fallback: unexpected event %s", event.EventType())
	}
	return err
}
