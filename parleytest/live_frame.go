package parleytest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// Opcodes of RFC 6455, section 5.2, with the bit that says a frame is final.
const (
	final             = 0x80
	finalContinuation = 0x80
	finalText         = 0x81
	finalBinary       = 0x82
	finalClose        = 0x88
	finalPing         = 0x89
	finalPong         = 0x8a
)

// appendMasked appends a client's frame, which is masked.
func appendMasked(b []byte, first byte, payload []byte) []byte {
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d} // RFC 6455, section 5.7: a test needs no randomness
	switch n := len(payload); {
	case n <= 125:
		b = append(b, first, 0x80|byte(n))
	case n <= 0xffff:
		b = append(b, first, 0x80|126)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b = append(b, first, 0x80|127)
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	b = append(b, key[:]...)
	for i, c := range payload {
		b = append(b, c^key[i%4])
	}
	return b
}

// readFrame reads a server's frame, which is not masked.
func readFrame(r *bufio.Reader) (first byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := uint64(head[1])
	switch {
	case head[1]&0x80 != 0:
		return 0, nil, errors.New("the server's frame is masked")
	case size == 126:
		var n [2]byte
		_, err = io.ReadFull(r, n[:])
		size = uint64(binary.BigEndian.Uint16(n[:]))
	case size == 127:
		var n [8]byte
		_, err = io.ReadFull(r, n[:])
		size = binary.BigEndian.Uint64(n[:])
	}
	if err != nil || size > 16<<20 {
		return 0, nil, errors.Join(err, errors.New("the server's frame has no sensible size"))
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(r, payload)
	return head[0], payload, err
}
