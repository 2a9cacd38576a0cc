//go:build !unix

package socket

import (
	"errors"
	"net"
)

// rawConn is not available here: net.Conn does the reading and writing.
type rawConn struct{}

func rawOf(net.Conn) (rawConn, bool) { return rawConn{}, false }

func (rawConn) wait(func(fd uintptr) bool) error { return errors.ErrUnsupported }
func (rawConn) now(func(fd uintptr) bool) error  { return errors.ErrUnsupported }

func readNow(uintptr, []byte) (n int, again bool, err error) {
	return 0, false, errors.ErrUnsupported
}

func writeNow(uintptr, []byte) (n int, err error) { return 0, errors.ErrUnsupported }
