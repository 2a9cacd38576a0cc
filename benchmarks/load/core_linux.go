package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pin keeps this process on one core.
func pin(core int) {
	var set unix.CPUSet
	set.Set(core)
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks {
		var id int
		fmt.Sscan(task.Name(), &id)
		unix.SchedSetaffinity(id, &set) // threads to come are made by these
	}
}

// coreTime is how long a core has been busy, with anything.
func coreTime(core int) time.Duration {
	stat, _ := os.ReadFile("/proc/stat")
	for line := range bytes.Lines(stat) {
		var number int
		var user, nice, system, idle, wait, irq, soft, steal int64
		n, _ := fmt.Sscanf(string(line), "cpu%d %d %d %d %d %d %d %d %d", &number, &user, &nice,
			&system, &idle, &wait, &irq, &soft, &steal)
		if n == 9 && number == core {
			return time.Duration(user+nice+system+irq+soft+steal) * tick
		}
	}
	return 0
}

// resident is the memory that the process has.
func resident() int64 {
	var size, pages int64
	statm, _ := os.ReadFile("/proc/self/statm")
	fmt.Sscan(string(statm), &size, &pages)
	return pages * int64(os.Getpagesize())
}
