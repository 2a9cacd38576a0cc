package socket

import "sync"

// bufferSize is how much is read at once.
const bufferSize = 16 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// readBuffer holds bytes that were read and not parsed yet: buf[r:w]. buf is
// borrowed while bytes keep coming.
type readBuffer struct {
	buf      []byte
	r, w     uint32
	borrowed bool
	kept     bool // buf stays: whoever reads must have one while it waits
	lent     bool // the app has a message that is a part of buf
}

// unparsed returns a buffer of its own for bytes.
func unparsed(bytes []byte) readBuffer { return readBuffer{buf: bytes, w: uint32(len(bytes))} }

//parley:inline
func (b *readBuffer) bytes() []byte { return b.buf[b.r:b.w] }

//parley:inline
func (b *readBuffer) empty() bool { return b.r == b.w }

// skip drops n bytes, which were parsed.
//
//parley:inline
func (b *readBuffer) skip(n int) { b.r += uint32(n) }

// space returns where to read to.
//
//parley:noescape
func (b *readBuffer) space() []byte {
	switch {
	case !b.borrowed && !b.kept:
		buf := buffers.Get().(*[bufferSize]byte)[:]
		b.r, b.w, b.buf = 0, uint32(copy(buf, b.bytes())), buf
		b.borrowed = true
	case b.empty():
		b.r, b.w = 0, 0
	case b.r > 0 && int(b.w) == len(b.buf):
		b.r, b.w = 0, uint32(copy(b.buf, b.bytes()))
	}
	return b.buf[b.w:]
}

// detach leaves buf to the app that has a message in it. It is for whoever reads while
// the app may be at the message still.
func (b *readBuffer) detach() {
	if !b.lent {
		return
	}
	size := len(b.bytes())
	if b.kept {
		size = len(b.buf)
	}
	buf := make([]byte, size)
	*b = readBuffer{buf: buf, w: uint32(copy(buf, b.bytes())), kept: b.kept}
}

// rest gives the borrowed buffer back while nothing comes. What cannot be parsed
// yet, the beginning of a header or of a control frame, is kept in as many bytes
// as it has.
func (b *readBuffer) rest() {
	if !b.borrowed {
		return
	}
	rest := append([]byte(nil), b.bytes()...)
	buffers.Put((*[bufferSize]byte)(b.buf))
	*b = unparsed(rest)
}
