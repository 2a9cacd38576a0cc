package overevents

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley"
)

// opcode is the kind of a WebSocket frame (RFC 6455, section 5.2).
type opcode byte

const (
	opContinuation opcode = 0x0
	opText         opcode = 0x1
	opBinary       opcode = 0x2
	opClose        opcode = 0x8
	opPing         opcode = 0x9
	opPong         opcode = 0xa
)

const (
	finalBit = 0x80
	maskBit  = 0x80

	maxControl = 125
)

func opOf(t parley.MessageType) opcode {
	if t == parley.BinaryMessage {
		return opBinary
	}
	return opText
}

func (op opcode) messageType() parley.MessageType {
	if op == opBinary {
		return parley.BinaryMessage
	}
	return parley.TextMessage
}

var errBadFrame = errors.New("parley: handler wrote what is no WebSocket frame")

// frameReader reads the frames of one side of a WebSocket. No extension is in use.
type frameReader struct {
	r     io.Reader
	op    opcode // of the message that has begun, or zero
	parts bytes.Buffer
}

// next returns the next whole message, or the close frame. A ping is handed to
// pong, a pong is nobody's business.
func (f *frameReader) next(pong func(payload []byte)) (opcode, []byte, error) {
	for {
		op, final, payload, err := f.frame()
		switch {
		case err != nil:
			return 0, nil, err
		case op == opClose:
			return op, payload, nil
		case op == opPing:
			pong(payload)
		case op == opPong:
		case (op == opContinuation) != (f.op != 0), op > opBinary:
			return 0, nil, errBadFrame
		default:
			if f.op == 0 {
				f.op = op
			}
			f.parts.Write(payload)
			if final {
				return f.message()
			}
		}
	}
}

// message takes the message that is complete.
func (f *frameReader) message() (opcode, []byte, error) {
	op, payload := f.op, f.parts.Bytes()
	f.op, f.parts = 0, bytes.Buffer{}
	return op, payload, nil
}

// frame reads one frame.
func (f *frameReader) frame() (op opcode, final bool, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(f.r, head[:]); err != nil {
		return 0, false, nil, err
	}
	op, final = opcode(head[0]&0x0f), head[0]&finalBit != 0
	size := uint64(head[1] &^ maskBit)
	if head[0]&0x70 != 0 || op >= opClose && (!final || size > maxControl) {
		return 0, false, nil, errBadFrame
	}
	if size, err = f.size(size); err == nil {
		payload, err = f.payload(size, head[1]&maskBit != 0)
	}
	return op, final, payload, unexpected(err)
}

// payload reads what a frame carries.
func (f *frameReader) payload(size uint64, masked bool) ([]byte, error) {
	var key [4]byte
	if masked {
		if _, err := io.ReadFull(f.r, key[:]); err != nil {
			return nil, err
		}
	}
	var body bytes.Buffer // that grows with what comes, not with what was announced
	_, err := io.CopyN(&body, f.r, int64(size))
	payload := body.Bytes()
	for i := range payload {
		payload[i] ^= key[i%4]
	}
	return payload, err
}

// size reads what is left of a length that begins with short.
func (f *frameReader) size(short uint64) (uint64, error) {
	var long [8]byte
	switch short {
	case 126:
		_, err := io.ReadFull(f.r, long[6:])
		return binary.BigEndian.Uint64(long[:]), err
	case 127:
		_, err := io.ReadFull(f.r, long[:])
		size := binary.BigEndian.Uint64(long[:])
		if err == nil && size>>63 != 0 {
			err = errBadFrame
		}
		return size, err
	}
	return short, nil
}

// unexpected is err in the middle of a frame.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// frameWriter writes the frames of a client. It is safe for concurrent use.
type frameWriter struct {
	w       io.Writer
	mu      sync.Mutex
	ponging atomic.Bool
}

// frame writes one frame. The mask that a client's frames must have is zero: there is
// no network in between whose proxies it could protect.
func (f *frameWriter) frame(op opcode, payload []byte) error {
	head := make([]byte, 0, 14)
	switch size := len(payload); {
	case size <= maxControl:
		head = append(head, finalBit|byte(op), maskBit|byte(size))
	case size < 1<<16:
		head = append(head, finalBit|byte(op), maskBit|126)
		head = binary.BigEndian.AppendUint16(head, uint16(size))
	default:
		head = append(head, finalBit|byte(op), maskBit|127)
		head = binary.BigEndian.AppendUint64(head, uint64(size))
	}
	head = append(head, 0, 0, 0, 0)
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.w.Write(head); err != nil || len(payload) == 0 {
		return err
	}
	_, err := f.w.Write(payload)
	return err
}

// pong answers a ping, unless the answer to an earlier one is still on its way. The
// handler need not read it before it goes on writing.
func (f *frameWriter) pong(payload []byte) {
	if f.ponging.Swap(true) {
		return
	}
	go func() {
		f.frame(opPong, payload)
		f.ponging.Store(false)
	}()
}

// parseClose takes the code and the reason out of a close frame.
func parseClose(payload []byte) (parley.CloseCode, string, error) {
	switch {
	case len(payload) == 0:
		return parley.CloseNormal, "", nil
	case len(payload) == 1:
		return 0, "", errBadFrame
	}
	return parley.CloseCode(binary.BigEndian.Uint16(payload)), string(payload[2:]), nil
}

// closePayload is what stands in a close frame.
func closePayload(code parley.CloseCode, reason string) []byte {
	if !code.Sendable() {
		return nil
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}
