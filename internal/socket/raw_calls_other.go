//go:build unix && (!linux || race || msan || asan || 386 || s390x)

package socket

import "syscall"

func readCall(fd uintptr, p []byte) (int, error) { return syscall.Read(int(fd), p) }

func writeCall(fd uintptr, p []byte) (int, error) { return syscall.Write(int(fd), p) }
