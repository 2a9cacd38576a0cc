package leakguard

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Looking at all stacks stops the program, for some microseconds each. It is not done
// where there are too many, and for no more than a thousandth of the time.
const (
	mostGoroutines = 20_000
	mostBytes      = 64 << 20
	share          = 1000
)

// looks are those at all stacks: one at a time.
var looks struct {
	sync.Mutex
	last time.Time
	took time.Duration
}

// stack returns the stack of the goroutine on which a method of that receiver runs, or
// why it is not known.
func stack(method, receiver string) string {
	if n := runtime.NumGoroutine(); n > mostGoroutines {
		return fmt.Sprintf("not looked for among %d goroutines", n)
	}
	looks.Lock()
	defer looks.Unlock()
	began := time.Now()
	if since := began.Sub(looks.last); since >= 0 && since < share*looks.took {
		return "not looked for: another one was, a moment ago"
	}
	found := find(all(), method+"("+receiver)
	looks.last, looks.took = began, time.Since(began)
	return found
}

// all returns the stacks of all goroutines.
func all() string {
	for size := 1 << 18; ; size *= 4 {
		text := make([]byte, size)
		if n := runtime.Stack(text, true); n < size || size >= mostBytes {
			return string(text[:n])
		}
	}
}

// find returns the stack that has the call.
func find(stacks, call string) string {
	for text := range strings.SplitSeq(stacks, "\n\n") {
		if strings.Contains(text, call) {
			return strings.TrimSpace(text)
		}
	}
	return "not found"
}
