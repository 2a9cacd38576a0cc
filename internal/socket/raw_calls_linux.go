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
	if len(p) > manyBytes {
		return called(syscall.Syscall6(syscall.SYS_RECVFROM, fd,
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), readFlags, 0, 0))
	}
	return called(syscall.RawSyscall6(syscall.SYS_RECVFROM, fd,
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), readFlags, 0, 0))
}

func writeCall(fd uintptr, p []byte) (int, error) {
	if len(p) > manyBytes {
		return called(syscall.Syscall6(syscall.SYS_SENDTO, fd,
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), writeFlags, 0, 0))
	}
	return called(syscall.RawSyscall6(syscall.SYS_SENDTO, fd,
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), writeFlags, 0, 0))
}

const (
	manyBytes  = 256 << 10 // bytes: to copy them takes so long that the scheduler is to know
	readFlags  = syscall.MSG_DONTWAIT
	writeFlags = syscall.MSG_DONTWAIT | syscall.MSG_NOSIGNAL
)

//parley:inline
func called(n, _ uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
