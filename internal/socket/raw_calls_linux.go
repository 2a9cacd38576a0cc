//go:build linux && !race && !msan && !asan && !386 && !s390x

package socket

import (
	"syscall"
	"unsafe"
)

// A call that never waits need not be made known to the scheduler before and after, in
// case others could use the processor meanwhile: that costs as much as the call's own
// way into the kernel. So that it never waits, whatever somebody has made of the
// descriptor, each call says so itself. The race detector and its like want to see what
// the kernel reads and writes; see raw_calls_other.go.

func readCall(fd uintptr, p []byte) (int, error) {
	return called(syscall.RawSyscall6(syscall.SYS_RECVFROM, fd,
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), syscall.MSG_DONTWAIT, 0, 0))
}

// writeCall has the scheduler know where there is much to copy.
func writeCall(fd uintptr, p []byte) (int, error) {
	const much = 256 << 10
	if len(p) > much {
		return syscall.Write(int(fd), p)
	}
	return called(syscall.RawSyscall6(syscall.SYS_SENDTO, fd,
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0))
}

//parley:inline
func called(n, _ uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
