//go:build unix

package socket

import (
	"io"
	"net"
	"syscall"
)

// rawConn reads and writes a kernel socket with one system call each and no
// buffer of its own, so that nothing is held while waiting.
type rawConn struct {
	conn syscall.RawConn
}

// rawOf returns the kernel socket under conn. There is none under TLS or in
// memory.
func rawOf(conn net.Conn) (rawConn, bool) {
	if counted, ok := conn.(interface{ KernelConn() net.Conn }); ok {
		conn = counted.KernelConn() // it only wants to know of Close
	}
	switch conn.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return rawConn{}, false
	}
	raw, err := conn.(syscall.Conn).SyscallConn()
	return rawConn{raw}, err == nil
}

// wait calls attempt whenever the socket may be readable until it returns true
// or the read deadline passes.
//
//parley:inline
func (r rawConn) wait(attempt func(fd uintptr) bool) error { return r.conn.Read(attempt) }

// now calls attempt for writing. An attempt that returns true is the only one:
// there is no waiting.
//
//parley:inline
func (r rawConn) now(attempt func(fd uintptr) bool) error { return r.conn.Write(attempt) }

// readNow reads what is there. again means that nothing is.
//
//parley:noescape
func readNow(fd uintptr, p []byte) (n int, again bool, err error) {
	for {
		n, err = readCall(fd, p)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return 0, true, nil
		case err != nil:
			return 0, false, err
		case n == 0:
			return 0, false, io.EOF
		default:
			return n, false, nil
		}
	}
}

// writeNow writes what the kernel takes at once, perhaps nothing.
//
//parley:noescape
func writeNow(fd uintptr, p []byte) (n int, err error) {
	for {
		n, err = writeCall(fd, p)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return 0, nil
		case err != nil:
			return 0, err
		default:
			return n, nil
		}
	}
}
