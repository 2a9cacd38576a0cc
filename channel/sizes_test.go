package channel

import (
	"testing"
	"unsafe"
)

// What an idle socket keeps is as large as the allocator makes it: a byte more takes the
// next of its sizes.
func TestAllocSizes(t *testing.T) {
	const most = 160
	if size := unsafe.Sizeof(Inbox{}); size > most && unsafe.Sizeof(uintptr(0)) == 8 {
		t.Errorf("a Inbox has %d bytes", size)
	}
}
