package socket

import (
	"unicode/utf8"

	"github.com/parleygo/parley"
)

// Message is one whole message.
type Message struct {
	Type parley.MessageType
	Data []byte
}

// partial is a message that is being put together from its frames.
type partial struct {
	opcode     byte
	compressed bool
	lent       bool   // data is the reader's own
	empty      uint16 // frames without a payload
	data       []byte
	valid      int // bytes of data known to be UTF-8
}

// maxEmptyFrames is how many frames of a message may have no payload: without a
// bound a message could be sent for ever. The others are bounded by its size.
const maxEmptyFrames = 1024

// countFrame counts a frame of the message.
//
//parley:inline
func (m *partial) countFrame(length uint64) error {
	if length == 0 {
		m.empty++
	}
	if m.empty > maxEmptyFrames {
		return parley.ErrTooLarge
	}
	return nil
}

// size is how many bytes a message can come to have.
type size struct {
	most  int64
	exact bool // it will have that many
}

// add appends bytes of the payload.
func (m *partial) add(b []byte, s size) {
	if m.data == nil && s.exact && s.most == int64(len(b)) {
		m.data = append(cut(len(b)), b...) // all there
		return
	}
	m.makeRoom(len(b), s)
	m.data = append(m.data, b...)
}

// makeRoom makes room for n more bytes. Room for bytes that have not come yet is
// given in proportion to those that have. So a header alone costs nothing, however
// much it promises, and the bytes of a message in tiny frames are not moved for
// each of them.
func (m *partial) makeRoom(n int, s size) {
	have, need := len(m.data), len(m.data)+n
	if cap(m.data) >= need {
		return
	}
	room := int64(max(need, 2*have))
	if s.exact {
		room = int64(max(need, 4*have))
		if s.most-room < room/4 {
			room = s.most // not once more for the little that would be missing
		}
	}
	grown := make([]byte, have, min(room, s.most))
	copy(grown, m.data)
	m.data, m.lent = grown, false
}

// space returns room behind the message's bytes so far, for at most n more.
func (m *partial) space(n int64, s size) []byte {
	m.makeRoom(1, s)
	free := m.data[len(m.data):cap(m.data)]
	return free[:min(int64(len(free)), n)]
}

// checkText checks the UTF-8 of a text message as far as it can be told from the
// bytes there are, so that it fails at the first byte that cannot be right.
//
//parley:noescape
func (m *partial) checkText(ended bool) error {
	if m.opcode != opText || m.compressed {
		return nil
	}
	unchecked := m.data[m.valid:]
	if !ended {
		unchecked = unchecked[:len(unchecked)-partialRune(unchecked)]
	}
	if !utf8.Valid(unchecked) {
		return parley.ErrInvalidPayload
	}
	m.valid += len(unchecked)
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

// message returns the message, whose last frame is in.
//
//parley:inline
func (m *partial) message() Message {
	if m.opcode == opBinary {
		return Message{parley.BinaryMessage, m.data}
	}
	return Message{parley.TextMessage, m.data}
}

// inflate expands a message that was sent compressed.
func (m *partial) inflate(limit int64) (err error) {
	if m.data, err = inflate(m.data, limit); err != nil {
		return err
	}
	if m.opcode == opText && !utf8.Valid(m.data) {
		return parley.ErrInvalidPayload
	}
	return nil
}
