package socket

import (
	"syscall"
	"unsafe"
)

// hungUp reports whether the peer has closed its side, even behind bytes that
// nobody has read yet.
func hungUp(fd uintptr) bool {
	const pollRDHUP, pollHUP, pollERR = 0x2000, 0x10, 0x8
	poll := struct {
		fd      int32
		events  int16
		revents int16
	}{fd: int32(fd), events: pollRDHUP}
	var now syscall.Timespec
	n, _, _ := syscall.Syscall6(syscall.SYS_PPOLL,
		uintptr(unsafe.Pointer(&poll)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0)
	return n == 1 && poll.revents&(pollRDHUP|pollHUP|pollERR) != 0
}
