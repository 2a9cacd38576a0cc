package socket

import (
	"encoding/binary"

	"github.com/parleygo/parley"
)

// Opcodes of RFC 6455, section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa
)

const (
	finBit  = 0x80
	rsv1Bit = 0x40 // compressed, if permessage-deflate was agreed
	rsvBits = 0x70
	maskBit = 0x80

	maxControl = 125
	maxHeader  = 10 // of a frame we send: never masked
)

// appendFrame appends one whole unmasked frame.
func appendFrame(b []byte, first byte, payload []byte) []byte {
	n := len(payload)
	switch {
	case n <= 125:
		b = append(b, first, byte(n))
	case n <= 0xffff:
		b = append(b, first, 126, byte(n>>8), byte(n))
	default:
		b = append(b, first, 127)
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return append(b, payload...)
}

//parley:inline
func opcodeOf(t parley.MessageType) byte {
	if t == parley.BinaryMessage {
		return opBinary
	}
	return opText
}

// appendClose appends a close frame. Codes that may not stand in one make an
// empty frame.
func appendClose(b []byte, code parley.CloseCode, reason string) []byte {
	if !code.Sendable() {
		return appendFrame(b, finBit|opClose, nil)
	}
	payload := append([]byte{byte(code >> 8), byte(code)}, reason...)
	return appendFrame(b, finBit|opClose, payload)
}

// unmask applies key to b, whose first byte is byte number pos of the payload.
//
//parley:noescape
func unmask(key [4]byte, pos int, b []byte) {
	rotated := [8]byte{}
	for i := range rotated {
		rotated[i] = key[(pos+i)&3]
	}
	wide := binary.NativeEndian.Uint64(rotated[:])
	for len(b) >= 32 {
		binary.NativeEndian.PutUint64(b, binary.NativeEndian.Uint64(b)^wide)
		binary.NativeEndian.PutUint64(b[8:], binary.NativeEndian.Uint64(b[8:])^wide)
		binary.NativeEndian.PutUint64(b[16:], binary.NativeEndian.Uint64(b[16:])^wide)
		binary.NativeEndian.PutUint64(b[24:], binary.NativeEndian.Uint64(b[24:])^wide)
		b = b[32:]
	}
	for len(b) >= 8 {
		binary.NativeEndian.PutUint64(b, binary.NativeEndian.Uint64(b)^wide)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= rotated[i]
	}
}
