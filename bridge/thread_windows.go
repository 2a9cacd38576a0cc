package bridge

import "syscall"

var getCurrentThreadID = syscall.NewLazyDLL("kernel32.dll").NewProc("GetCurrentThreadId")

func threadID() (id uint64, ok bool) {
	r, _, _ := getCurrentThreadID.Call()
	return uint64(r), true
}
