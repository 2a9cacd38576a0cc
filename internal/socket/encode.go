package socket

import (
	"sync"

	"github.com/parleygo/parley"
)

// encode frames a message. The frame is given back to shell when it has been written or
// queued. size is that of the message.
//
//parley:noescape
func (c *Conn) encode(send parley.WebSocketSend) (frame []byte, shell *writeBuffer, size int) {
	of := carrier{&c.made.flusher, &c.made.options, c.deflate}
	t, data := send.Payload()
	if send.Prepared != nil {
		return of.Frame(send.Prepared), nil, len(data)
	}
	shell = writeBuffers.Get().(*writeBuffer)
	return of.append(shell.b, t, data), shell, len(data)
}

func plainFrame(t parley.MessageType, data []byte) []byte {
	return appendFrame(make([]byte, 0, maxHeader+len(data)), finBit|opcodeOf(t), data)
}

func (c carrier) deflated(t parley.MessageType, data []byte) []byte {
	return c.append(nil, t, data)
}

func (c carrier) append(b []byte, t parley.MessageType, data []byte) []byte {
	if c.deflate && len(data) >= c.options.DeflateThreshold {
		return appendFrame(b, finBit|rsv1Bit|opcodeOf(t), deflate(data))
	}
	return appendFrame(b, finBit|opcodeOf(t), data)
}

// Write buffers are borrowed while something waits to be written. Large ones
// are left to the garbage collector.
const (
	smallBuffer = 1 << 10
	largeBuffer = 64 << 10
)

var writeBuffers = sync.Pool{New: func() any {
	return &writeBuffer{make([]byte, 0, smallBuffer)}
}}

// writeBuffer travels through the pool by pointer; an empty one is kept apart so
// that giving back allocates nothing.
type writeBuffer struct{ b []byte }

var writeBufferShells = sync.Pool{New: func() any { return new(writeBuffer) }}

// giveBack gives a buffer back whose shell its borrower has kept. A nil shell is for
// what is nobody's to give back.
//
//parley:inline
func (w *writeBuffer) giveBack(b []byte) {
	if w != nil && cap(b) <= largeBuffer {
		w.b = b[:0]
		writeBuffers.Put(w)
	}
}

func borrow() []byte {
	shell := writeBuffers.Get().(*writeBuffer)
	b := shell.b
	shell.b = nil
	writeBufferShells.Put(shell)
	return b
}

//parley:noescape
func giveBack(b []byte) {
	if cap(b) >= smallBuffer {
		writeBufferShells.Get().(*writeBuffer).giveBack(b)
	}
}
