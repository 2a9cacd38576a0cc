package bridge

import "syscall"

func threadID() (id uint64, ok bool) {
	r, _, errno := syscall.RawSyscall(syscall.SYS_THREAD_SELFID, 0, 0, 0)
	return uint64(r), errno == 0
}
