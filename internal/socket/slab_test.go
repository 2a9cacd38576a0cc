package socket

import (
	"bytes"
	"slices"
	"sync"
	"testing"
)

// Messages that are cut from one slab are their receivers' alone, who may append to them.
func TestSlab(t *testing.T) {
	var all sync.WaitGroup
	for reader := range byte(4) {
		all.Go(func() {
			var messages [][]byte
			for i := range byte(60) {
				size := []int{leastCut, leastCut + 1, mostCut - 1, mostCut, 3500}[i%5]
				m := partial{}
				m.add(bytes.Repeat([]byte{reader<<6 | i}, size), size64(size))
				if messages = append(messages, m.data); cap(m.data) != size {
					t.Errorf("room for %d bytes where %d came", cap(m.data), size)
				}
			}
			for i := range messages {
				messages[i] = append(messages[i], 'x')
			}
			for i, m := range messages {
				want := bytes.Repeat([]byte{reader<<6 | byte(i)}, len(m)-1)
				if !bytes.Equal(m, append(want, 'x')) {
					t.Errorf("message %d was written to", i)
				}
			}
		})
	}
	all.Wait()
}

func size64(n int) size { return size{int64(n), true} }

// What is small does not keep a slab, and what is large wastes none.
func TestNoSlab(t *testing.T) {
	for _, size := range []int{0, 1, leastCut - 1, mostCut + 1, slabSize, 1 << 20} {
		if piece := cut(size); piece != nil {
			t.Errorf("%d bytes were cut from a slab", size)
		}
	}
}

// Messages of 4 KiB are made four at a time.
func TestAllocSlab(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has sync.Pool drop things")
	}
	source := slices.Repeat([]byte{1}, mostCut)
	if n := testing.AllocsPerRun(400, func() {
		for range slabSize / mostCut {
			m := partial{}
			m.add(source, size64(len(source)))
		}
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}
