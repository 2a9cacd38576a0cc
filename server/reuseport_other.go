//go:build !linux && !darwin

package server

import (
	"errors"
	"fmt"
	"syscall"
)

func reusePort(_, _ string, _ syscall.RawConn) error {
	return fmt.Errorf("server: Listener.ReusePort: %w", errors.ErrUnsupported)
}
