//go:build !linux && !darwin

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
)

func bindShared(context.Context, string) (net.Listener, error) {
	return nil, fmt.Errorf("Listener.ReusePort: %w", errors.ErrUnsupported)
}

func beginListening(net.Listener) error { return errors.ErrUnsupported }
