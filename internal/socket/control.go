package socket

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/parleygo/parley"
)

// handleControl deals with a control frame of the peer. A close frame is
// returned as the error that ends reading.
func (c *Conn) handleControl(ctl control) error {
	switch ctl.opcode {
	case opPing:
		var err error
		elsewhere(func() { err = c.out.pong(ctl.payload) })
		return err
	case opClose:
		return parseClose(ctl.payload)
	}
	return nil // a pong: that bytes came is all there is to know
}

// parseClose reads a close frame's payload: a *parley.CloseError if it is well
// formed.
func parseClose(payload []byte) error {
	if len(payload) == 0 {
		return &parley.CloseError{Code: parley.CloseNoStatus}
	}
	if len(payload) == 1 {
		return parley.ErrPeerProtocol
	}
	code := parley.CloseCode(binary.BigEndian.Uint16(payload))
	switch {
	case !code.Sendable():
		return parley.ErrPeerProtocol
	case !utf8.Valid(payload[2:]):
		return parley.ErrInvalidPayload
	}
	return &parley.CloseError{Code: code, Reason: string(payload[2:])}
}

// pong answers a ping, ahead of what waits.
func (o *outbound) pong(payload []byte) error {
	return o.sendControl(appendFrame(make([]byte, 0, 2+len(payload)), finBit|opPong, payload))
}

func (o *outbound) ping() error {
	return o.sendControl([]byte{finBit | opPing, 0})
}

// maxWaitingControls bounds the bytes of control frames that wait. A peer that pings
// and does not read gets no more than an answer to its last ping (RFC 6455, section
// 5.5.3).
const maxWaitingControls = 1 << 10

func (o *outbound) sendControl(frame []byte) error {
	o.mu.Lock()
	if o.dead || o.sealed {
		o.mu.Unlock()
		return nil
	}
	// The reader must not wait for a peer that does not read.
	if o.c.hasRaw && !o.busy {
		return o.writeHere(frame, false)
	}
	s := o.rarely()
	if len(s.control)+len(frame) > maxWaitingControls {
		s.control = nil
	}
	s.control = append(s.control, frame...)
	o.writeQueuedSoon()
	o.mu.Unlock()
	return nil
}
