package socket

import (
	"encoding/binary"
	"sync"
	"unicode/utf8"

	"github.com/parleygo/parley"
)

// parser turns bytes into messages. It can stop after any byte and go on later,
// on another goroutine: all its state is in its fields.
type parser struct {
	limit    int64 // bytes a message may have, below zero for any number
	deflates bool  // permessage-deflate was agreed

	// Bytes read and not parsed yet: buf[r:w]. buf is borrowed while it holds
	// some, unless it is kept.
	buf  []byte
	r, w int
	kept bool

	// The data frame whose payload is being read.
	inPayload bool
	fin       bool
	remaining int64
	key       [4]byte
	pos       int

	// The message it belongs to.
	inMessage  bool
	opcode     byte
	compressed bool
	message    []byte
	valid      int // bytes of message known to be UTF-8

	// What next has found.
	whole   Message
	control control
}

// Message is one whole message.
type Message struct {
	Type parley.MessageType
	Data []byte
}

// control is a control frame. Its payload is valid until the parser goes on.
type control struct {
	opcode  byte
	payload []byte
}

// found is what the parser has come upon.
type found uint8

const (
	foundNothing found = iota // more bytes are needed
	foundMessage              // in parser.whole
	foundControl              // in parser.control
)

// next parses what was read, up to the end of a message or a control frame.
func (p *parser) next() (found, error) {
	for {
		if p.inPayload {
			if done, err := p.takePayload(); !done || err != nil {
				return foundNothing, err
			}
			if p.fin {
				return foundMessage, p.endMessage()
			}
			continue
		}
		if what, more, err := p.takeHeader(); what != foundNothing || more || err != nil {
			return what, err
		}
	}
}

// takeHeader parses a frame's header, and the whole frame if it is a control
// frame. more tells that bytes are missing.
func (p *parser) takeHeader() (what found, more bool, err error) {
	b := p.buf[p.r:p.w]
	if len(b) < 2 {
		return foundNothing, true, nil
	}
	if err := p.checkFirst(b[0], b[1]); err != nil {
		return foundNothing, false, err
	}
	size, length := headerLength(b)
	if len(b) < size {
		return foundNothing, true, nil
	}
	if b[1]&0x7f == 126 && length < 126 || b[1]&0x7f == 127 && (length < 1<<16 || length>>63 != 0) {
		return foundNothing, false, parley.ErrPeerProtocol // not the shortest form
	}
	key := [4]byte(b[size-4 : size])
	if b[0]&0x08 == 0 {
		return foundNothing, false, p.beginFrame(b[0], size, length, key)
	}
	if len(b) < size+int(length) {
		return foundNothing, true, nil
	}
	payload := b[size : size+int(length)]
	unmask(key, 0, payload)
	p.r += size + int(length)
	p.control = control{b[0] & 0x0f, payload}
	return foundControl, false, nil
}

// headerLength returns how long the header is and, if it is all there, what
// payload length it states.
func headerLength(b []byte) (size int, length uint64) {
	switch n := b[1] & 0x7f; {
	case n == 126:
		if size = 2 + 2 + 4; len(b) >= size {
			length = uint64(binary.BigEndian.Uint16(b[2:]))
		}
	case n == 127:
		if size = 2 + 8 + 4; len(b) >= size {
			length = binary.BigEndian.Uint64(b[2:])
		}
	default:
		size, length = 2+4, uint64(n)
	}
	return size, length
}

// checkFirst checks a frame's first two bytes (RFC 6455, section 5.2).
func (p *parser) checkFirst(first, second byte) error {
	opcode := first & 0x0f
	reserved := first & rsvBits
	if p.deflates && (opcode == opText || opcode == opBinary) {
		reserved &^= rsv1Bit
	}
	ok := reserved == 0 && second&maskBit != 0
	switch opcode {
	case opText, opBinary:
		ok = ok && !p.inMessage
	case opContinuation:
		ok = ok && p.inMessage
	case opClose, opPing, opPong:
		ok = ok && first&finBit != 0 && second&0x7f <= maxControl
	default:
		ok = false
	}
	if !ok {
		return parley.ErrPeerProtocol
	}
	return nil
}

func (p *parser) beginFrame(first byte, size int, length uint64, key [4]byte) error {
	if p.limit >= 0 && (length > uint64(p.limit) || int64(len(p.message))+int64(length) > p.limit) {
		return parley.ErrTooLarge
	}
	if !p.inMessage {
		p.inMessage = true
		p.opcode = first & 0x0f
		p.compressed = first&rsv1Bit != 0
	}
	p.r += size
	p.inPayload = true
	p.fin = first&finBit != 0
	p.remaining = int64(length)
	p.key, p.pos = key, 0
	if buffered := p.w - p.r; len(p.message) == 0 && int64(buffered) >= p.remaining {
		p.message = append([]byte(nil), p.buf[p.r:p.r+int(length)]...) // all there: no zeroing
		p.r += int(length)
		p.tookPayload(int(length))
		return nil
	}
	p.makeRoom()
	return nil
}

// makeRoom gives the message room for what the frame still brings, but no more
// than its bytes so far justify: a header alone must not cost a megabyte.
func (p *parser) makeRoom() {
	const trusted = 64 << 10
	have := len(p.message)
	want := have + int(min(p.remaining, int64(max(trusted, have))))
	if cap(p.message) < want {
		grown := make([]byte, have, want)
		copy(grown, p.message)
		p.message = grown
	}
}

// takePayload moves payload bytes from the buffer to the message. done tells that
// the frame is complete.
func (p *parser) takePayload() (done bool, err error) {
	for p.remaining > 0 && p.r < p.w {
		if cap(p.message) == len(p.message) {
			p.makeRoom()
		}
		n := min(int(min(p.remaining, int64(p.w-p.r))), cap(p.message)-len(p.message))
		p.message = append(p.message, p.buf[p.r:p.r+n]...)
		p.r += n
		p.tookPayload(n)
	}
	if p.remaining > 0 {
		return false, nil
	}
	p.inPayload = false
	return true, p.checkText()
}

// tookPayload unmasks the n bytes at the end of the message and counts them.
func (p *parser) tookPayload(n int) {
	unmask(p.key, p.pos, p.message[len(p.message)-n:])
	p.pos = (p.pos + n) & 3
	p.remaining -= int64(n)
}

// checkText checks the UTF-8 of a text message as far as it can be told after
// each frame.
func (p *parser) checkText() error {
	if p.opcode != opText || p.compressed {
		return nil
	}
	unchecked := p.message[p.valid:]
	if p.fin {
		if !utf8.Valid(unchecked) {
			return parley.ErrInvalidPayload
		}
		return nil
	}
	whole := len(unchecked) - partialRune(unchecked)
	if !utf8.Valid(unchecked[:whole]) {
		return parley.ErrInvalidPayload
	}
	p.valid += whole
	return nil
}

// partialRune returns how many bytes at the end of b may be the beginning of a
// rune.
func partialRune(b []byte) int {
	for n := 1; n <= min(len(b), utf8.UTFMax-1); n++ {
		tail := b[len(b)-n:]
		if utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

func (p *parser) endMessage() error {
	data := p.message
	if p.compressed {
		var err error
		if data, err = inflate(data, p.limit); err != nil {
			return err
		}
		if p.opcode == opText && !utf8.Valid(data) {
			return parley.ErrInvalidPayload
		}
	}
	p.whole = Message{Data: data}
	if p.opcode == opBinary {
		p.whole.Type = parley.BinaryMessage
	}
	p.message, p.valid, p.inMessage, p.compressed = nil, 0, false, false
	return nil
}

// takeWhole hands over the message found.
func (p *parser) takeWhole() Message {
	m := p.whole
	p.whole = Message{}
	return m
}

const bufferSize = 16 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// target returns where the next bytes from the wire belong: into the message, if
// much of it is missing, else into the buffer.
func (p *parser) target() (into []byte, direct bool) {
	if p.r == p.w {
		p.r, p.w = 0, 0
		if p.inPayload && p.remaining >= bufferSize/2 {
			if cap(p.message) == len(p.message) {
				p.makeRoom()
			}
			free := p.message[len(p.message):cap(p.message)]
			return free[:min(int64(len(free)), p.remaining)], true
		}
	}
	if p.buf == nil {
		p.buf = buffers.Get().(*[bufferSize]byte)[:]
	}
	if p.r > 0 && p.w == len(p.buf) {
		p.w = copy(p.buf, p.buf[p.r:p.w])
		p.r = 0
	}
	return p.buf[p.w:], false
}

// took tells that n bytes were read into target's slice.
func (p *parser) took(n int, direct bool) {
	if !direct {
		p.w += n
		return
	}
	p.message = p.message[:len(p.message)+n]
	p.tookPayload(n)
}

// idle gives the buffer back while it is empty.
func (p *parser) idle() {
	if p.r == p.w && p.buf != nil && !p.kept {
		buffers.Put((*[bufferSize]byte)(p.buf))
		p.buf, p.r, p.w = nil, 0, 0
	}
}
