//go:build linux && !race && !msan && !asan && !386 && !s390x

package socket

import (
	"syscall"
	"testing"
)

// A call never waits, also where somebody has made the descriptor one that does, as
// os.File's Fd may: the goroutines of a whole processor would wait with it. That a peer
// is gone costs no signal.
func TestCallsDoNotWait(t *testing.T) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	here, there := uintptr(pair[0]), uintptr(pair[1])
	defer syscall.Close(pair[0])
	if n, err := readCall(here, make([]byte, 8)); n != 0 || err != syscall.EAGAIN {
		t.Errorf("with nothing to read: %d, %v", n, err)
	}
	written, piece := 0, make([]byte, 4096)
	for err = nil; err == nil; {
		var n int
		n, err = writeCall(here, piece)
		written += n
	}
	if written == 0 || err != syscall.EAGAIN {
		t.Errorf("with no room behind %d bytes: %v", written, err)
	}
	for left := written; left > 0; {
		n, err := readCall(there, piece)
		if err != nil {
			t.Fatal(err)
		}
		left -= n
	}
	syscall.Close(pair[1])
	if n, err := readCall(here, piece); n != 0 || err != nil {
		t.Errorf("behind the end: %d, %v", n, err)
	}
	if _, err := writeCall(here, piece); err != syscall.EPIPE {
		t.Errorf("to nobody: %v", err)
	}
}
