package parley

import (
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Prepared is a message to be sent to many sockets: immutable, and framed once.
// It is safe for concurrent use.
type Prepared struct {
	messageType MessageType
	data        []byte
	invalid     bool // text that is not UTF-8

	frames atomic.Pointer[[]preparedFrame] // read without a lock: one read per receiver
	mu     sync.Mutex                      // one encoder at a time
}

type preparedFrame struct {
	encoding string
	frame    []byte
}

// Prepare makes a message ready to be sent to many sockets. It keeps
// message.Data: the caller must not change the bytes any more. Text that is not
// valid UTF-8 is prepared too, and refused whenever it is sent.
func Prepare(message WebSocketSend) *Prepared {
	if message.Prepared != nil {
		return message.Prepared
	}
	return &Prepared{
		messageType: message.Type,
		data:        message.Data,
		invalid:     message.Type == TextMessage && !utf8.Valid(message.Data),
	}
}

// Valid reports whether the message may be sent: it is binary, or text that is
// valid UTF-8. Prepare has found out, once for all who send it.
//
//parley:inline
func (p *Prepared) Valid() bool { return !p.invalid }

// Send returns the event that sends p.
//
//parley:inline
func (p *Prepared) Send() WebSocketSend { return WebSocketSend{Prepared: p} }

// Frame returns the message in a carrier's own encoding, made by encode on the
// first call and kept. It is for carriers: two that frame differently name
// different encodings. The result must not be changed.
func (p *Prepared) Frame(encoding string, encode func(t MessageType, data []byte) []byte) []byte {
	if frame, ok := p.framed(encoding); ok {
		return frame
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if frame, ok := p.framed(encoding); ok {
		return frame
	}
	frame := encode(p.messageType, p.data)
	var all []preparedFrame
	if old := p.frames.Load(); old != nil {
		all = append(all, *old...)
	}
	all = append(all, preparedFrame{encoding, frame})
	p.frames.Store(&all)
	return frame
}

//parley:inline
func (p *Prepared) framed(encoding string) ([]byte, bool) {
	if all := p.frames.Load(); all != nil {
		for i := range *all {
			if (*all)[i].encoding == encoding {
				return (*all)[i].frame, true
			}
		}
	}
	return nil, false
}
