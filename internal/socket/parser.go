package socket

import (
	"encoding/binary"
	"math"

	"github.com/parleygo/parley"
)

// parser turns bytes into messages. It can stop after any byte and go on later,
// on another goroutine: all its state is in its fields.
type parser struct {
	limit    int64 // bytes a message may have
	deflates bool  // permessage-deflate was agreed
	skims    bool  // compressed messages are not looked into
	lends    bool  // the next message may be bytes of the read buffer

	controlOp, controlSize uint8 // see control

	// The data frame whose payload is being read, and the message it belongs to.
	inPayload bool
	inMessage bool
	fin       bool
	key       [4]byte
	pos       uint8
	remaining int64
	partial   partial

	unread readBuffer
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
	foundMessage              // for takeWhole
	foundControl              // see control
)

// next parses what was read, up to the end of a message or a control frame.
//
//parley:noescape
func (p *parser) next() (found, error) {
	for {
		if p.inPayload {
			if done, err := p.takePayload(); !done || err != nil {
				return foundNothing, err
			}
			if p.fin {
				return p.endMessage()
			}
			continue
		}
		if what, more, err := p.takeHeader(); what != foundNothing || more || err != nil {
			return what, err
		}
	}
}

// takeHeader parses a frame's header, and the whole frame if it is a control
// frame. more means that bytes are missing.
//
//parley:noescape
func (p *parser) takeHeader() (what found, more bool, err error) {
	b := p.unread.bytes()
	if len(b) > 0 && !p.mayBegin(b[0]) {
		return foundNothing, false, parley.ErrPeerProtocol
	}
	if len(b) < 2 {
		return foundNothing, true, nil
	}
	if control := b[0]&0x08 != 0; b[1]&maskBit == 0 || control && b[1]&0x7f > maxControl {
		return foundNothing, false, parley.ErrPeerProtocol
	}
	size, length := headerLength(b)
	if len(b) < size {
		return foundNothing, true, nil
	}
	if !shortestForm(b[1], length) {
		return foundNothing, false, parley.ErrPeerProtocol
	}
	key := [4]byte(b[size-4 : size])
	if b[0]&0x08 == 0 {
		p.unread.skip(size)
		return foundNothing, false, p.beginFrame(b[0], length, key)
	}
	if len(b) < size+int(length) {
		return foundNothing, true, nil
	}
	unmask(key, 0, b[size:size+int(length)])
	p.unread.skip(size + int(length))
	p.controlOp, p.controlSize = b[0]&0x0f, uint8(length)
	return foundControl, false, nil
}

// control returns the control frame that next has found, which ends where the parser
// is.
func (p *parser) control() control {
	end := int(p.unread.r)
	return control{p.controlOp, p.unread.buf[end-int(p.controlSize) : end]}
}

// headerLength returns how long the header is and, if it is all there, what
// payload length it states.
//
//parley:inline
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

// shortestForm reports whether the length could not be stated in fewer bytes, and
// has its highest bit clear (RFC 6455, section 5.2).
//
//parley:inline
func shortestForm(second byte, length uint64) bool {
	switch second & 0x7f {
	case 126:
		return length >= 126
	case 127:
		return length >= 1<<16 && length>>63 == 0
	}
	return true
}

// mayBegin reports whether a frame may begin with the byte first, after those
// before it (RFC 6455, sections 5.2 and 5.4).
//
//parley:inline
func (p *parser) mayBegin(first byte) bool {
	reserved := first & rsvBits
	switch first & 0x0f {
	case opText, opBinary:
		if p.deflates {
			reserved &^= rsv1Bit
		}
		return reserved == 0 && !p.inMessage
	case opContinuation:
		return reserved == 0 && p.inMessage
	case opClose, opPing, opPong:
		return reserved == 0 && first&finBit != 0
	}
	return false
}

//parley:noescape
func (p *parser) beginFrame(first byte, length uint64, key [4]byte) error {
	if !p.inMessage {
		p.inMessage = true
		p.partial.opcode, p.partial.compressed = first&0x0f, first&rsv1Bit != 0
	}
	most := p.most()
	if length > uint64(most) || int64(length) > most-int64(len(p.partial.data)) {
		return parley.ErrTooLarge
	}
	p.inPayload = true
	p.fin = first&finBit != 0
	p.remaining = int64(length)
	p.key, p.pos = key, 0
	return p.partial.countFrame(length)
}

// takePayload moves payload bytes to the message. done means that the frame is
// complete.
//
//parley:noescape
func (p *parser) takePayload() (done bool, err error) {
	b := p.unread.bytes()
	if n := int(min(p.remaining, int64(len(b)))); n > 0 {
		if p.mayLend(n) {
			p.partial.data, p.unread.lent = b[:n:n], true
		} else {
			p.partial.add(b[:n], p.size())
		}
		p.unread.skip(n)
		p.tookPayload(n)
	}
	p.inPayload = p.remaining > 0
	return !p.inPayload, p.partial.checkText(p.fin && !p.inPayload)
}

// mayLend reports whether the next n bytes are a whole message, which may be received
// where it is.
func (p *parser) mayLend(n int) bool {
	return p.lends && p.fin && p.partial.data == nil && !p.partial.compressed &&
		int64(n) == p.remaining
}

// size returns how many bytes the message can come to have.
//
//parley:inline
func (p *parser) size() size {
	if p.fin {
		return size{int64(len(p.partial.data)) + p.remaining, true}
	}
	return size{p.most(), false}
}

// most returns how many bytes of the message may come over the wire: more than it may
// have, if it is compressed, for what cannot be compressed grows, with the worst
// settings of zlib by less than a seventh.
//
//parley:inline
func (p *parser) most() int64 {
	if p.partial.compressed && p.limit < math.MaxInt64/2 {
		return p.limit + p.limit/7 + 64
	}
	return p.limit
}

// tookPayload unmasks the n bytes at the end of the message and counts them.
//
//parley:noescape
func (p *parser) tookPayload(n int) {
	data := p.partial.data
	unmask(p.key, int(p.pos), data[len(data)-n:])
	p.pos = uint8((int(p.pos) + n) & 3)
	p.remaining -= int64(n)
}

func (p *parser) endMessage() (found, error) {
	p.inMessage = false
	if p.partial.compressed && !p.skims {
		return foundMessage, p.partial.inflate(p.limit)
	}
	return foundMessage, nil
}

// takeWhole hands over the message found.
//
//parley:inline
func (p *parser) takeWhole() Message {
	m := p.partial.message()
	p.partial = partial{}
	return m
}

// aim says where the next message belongs, if it has not begun yet. The one before, if
// it was lent, is not used any more.
//
//parley:inline
func (p *parser) aim(into *Into) {
	p.unread.lent, p.lends = false, into != nil && into.Lend
	if into != nil && !p.inMessage && cap(into.Buffer) > 0 {
		p.partial.data, p.partial.lent = into.Buffer[:0], true
	}
}

// others is for those who read while the app does not.
func (p *parser) others() {
	p.unread.detach()
	p.lends = false
}

// giveBack ends the use of a buffer that was lent, though its message is not whole.
func (p *parser) giveBack() {
	if p.partial.lent {
		p.partial.data = append([]byte(nil), p.partial.data...)
		p.partial.lent = false
	}
}

// target returns where the next bytes from the wire belong: straight into the
// message, if much of it is there and much is missing, else into the read buffer.
//
//parley:noescape
func (p *parser) target() (into []byte, direct bool) {
	const much = bufferSize / 2
	if p.inPayload && p.unread.empty() && len(p.partial.data) >= much && p.remaining >= much {
		return p.partial.space(p.remaining, p.size()), true
	}
	return p.unread.space(), false
}

// took counts n bytes that were read into target's slice.
//
//parley:noescape
func (p *parser) took(n int, direct bool) {
	if !direct {
		p.unread.w += uint32(n)
		return
	}
	p.partial.data = p.partial.data[:len(p.partial.data)+n]
	p.tookPayload(n)
}
