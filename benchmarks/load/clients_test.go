//go:build unix

package main

import (
	"bytes"
	"slices"
	"testing"
)

// Messages are counted wherever a read ends, and what is missing or in the wrong place
// is seen.
func TestCount(t *testing.T) {
	for _, test := range []struct {
		name                string
		numbers, publishers int
		list                []int
		heard, amiss        int
	}{
		{"in order", 3, 1, []int{0, 1, 2}, 3, 0},
		{"a gap", 3, 1, []int{0, 2}, 2, 0},
		{"wrong order", 3, 1, []int{1, 0, 2}, 3, 1},
		{"twice", 3, 1, []int{0, 0, 1}, 3, 1},
		{"two publishers", 2, 2, []int{0, apart, 1, apart + 1}, 4, 0},
		{"two publishers, one in wrong order", 2, 2, []int{0, apart + 1, 1, apart}, 4, 1},
	} {
		var stream []byte
		for _, number := range test.list {
			data := message(number, 128)
			stream = append(frameHead(stream, textFrame, len(data)), data...)
		}
		for _, piece := range []int{1, 3, 9, 10, 11, 131, len(stream)} {
			a := &audience{
				members: make([]member, 1), next: make([]int, test.publishers), publishers: test.publishers,
			}
			var kept []byte
			for part := range slices.Chunk(stream, piece) {
				kept = bytes.Clone(a.count(0, append(kept, part...)))
				if len(kept) >= mark {
					t.Fatalf("%s: %q is kept", test.name, kept)
				}
			}
			if a.heard != test.heard || a.amiss != test.amiss {
				t.Errorf("%s, %d at a time: %d heard and %d amiss, want %d and %d",
					test.name, piece, a.heard, a.amiss, test.heard, test.amiss)
			}
		}
	}
}

// The floor answers with the frame that clients wait for.
func TestFloorFrames(t *testing.T) {
	for _, size := range []int{1, 7, 8, 64, 125, 126, 4096, 0xffff - 100} {
		for _, question := range echoed(size) {
			request := bytes.Clone(question.request)
			if got := frameSize(request); got != len(request) {
				t.Errorf("%d bytes are taken for %d", len(request), got)
			}
			if !bytes.Equal(unmask(request), question.answer) {
				t.Errorf("the answer to %d bytes is wrong", size)
			}
		}
	}
}
