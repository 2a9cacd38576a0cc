package parleytest

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
)

// unmasked undoes what a client does to its frames, which makes them a server's.
func unmasked(frame []byte, payload int) []byte {
	head := frame[:len(frame)-payload-4]
	head[1] &^= 0x80
	masked := frame[len(frame)-payload:]
	for i := range masked {
		masked[i] ^= "\x37\xfa\x21\x3d"[i%4]
	}
	return append(bytes.Clone(head), masked...)
}

func TestFrameSizes(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 0xffff, 0x10000, 1 << 20} {
		want := strings.Repeat("x", size)
		frame := unmasked(appendMasked(nil, finalText, []byte(want)), size)
		first, payload, err := readFrame(bufio.NewReader(bytes.NewReader(frame)))
		if first != finalText || string(payload) != want || err != nil {
			t.Errorf("%d bytes: %#x, %d bytes, %v", size, first, len(payload), err)
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("\x81\x02hi"))
	f.Add([]byte("\x81\x82\x37\xfa\x21\x3d\x5f\x93"))
	f.Add([]byte("\x82\x7e\x00\x01x"))
	f.Add([]byte("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		first, payload, err := readFrame(bufio.NewReader(bytes.NewReader(wire)))
		if err == nil && (first != wire[0] || !bytes.Contains(wire, payload)) {
			t.Errorf("%q was read as %#x %q", wire, first, payload)
		}
	})
}
