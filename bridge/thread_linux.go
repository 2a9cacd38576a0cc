package bridge

import "syscall"

func threadID() (id uint64, ok bool) { return uint64(syscall.Gettid()), true }
