package parley

import (
	"testing"
	"unsafe"
)

// A scope is a part of what an idle socket keeps, which is as large as the allocator makes
// it.
func TestAllocSizes(t *testing.T) {
	const most = 192
	if size := unsafe.Sizeof(Scope{}); size > most && unsafe.Sizeof(uintptr(0)) == 8 {
		t.Errorf("a Scope has %d bytes", size)
	}
}
