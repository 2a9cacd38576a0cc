//go:build unix && !linux

package main

import (
	"syscall"
	"time"
)

// pin does nothing where there is no affinity.
func pin(int) {}

// coreTime is not to be had.
func coreTime(int) time.Duration { return 0 }

// resident is the most memory that the process has had.
func resident() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Maxrss
}
