package channel

import (
	"errors"

	"github.com/parleygo/parley"
)

// envelope is what travels between layers. On the wire:
//
//	version kind messageType  len origin  len target  len type  payload
//
// The first three are a byte each, as are the lengths; the payload is the rest. That
// to all of a group but one has one more name, with its length, in front of the payload.
// There is one encoding of each envelope and no other.
type envelope struct {
	kind    byte
	origin  string // id of the sending layer
	target  string // a Name or a Group
	except  string // the Name of who does not get it; of kindGroupExcept only
	message Message
}

const envelopeVersion = 1

const (
	kindDirect byte = iota + 1
	kindGroup
	kindKick      // the payload is a close code, a cause and a reason
	kindGroupKick // likewise
	kindGroupExcept
	kindJoin  // the payload is that of news
	kindLeave // likewise
	kindRules // the payload is a Keep, in JSON
)

var errBadEnvelope = errors.New("channel: bad envelope")

func (e *envelope) kicks() bool { return e.kind == kindKick || e.kind == kindGroupKick }

// told reports whether it is for the layer itself, and no member's.
func (e *envelope) told() bool {
	return e.kind == kindJoin || e.kind == kindLeave || e.kind == kindRules
}

// tooLarge reports whether the envelope brings a larger message than is wanted. A
// kick is none, and news of several stays are as long as another layer makes them.
func (e *envelope) tooLarge(limit int) bool {
	if e.told() {
		limit = max(limit, mostBytes)
	}
	return !e.kicks() && len(e.message.Payload()) > limit
}

func (e *envelope) toGroup() bool { return e.kind != kindDirect && e.kind != kindKick }

// groupKind is the kind of an envelope to a group, to all of it but one if there is one.
func groupKind(except Name) byte {
	if except != "" {
		return kindGroupExcept
	}
	return kindGroup
}

// keepable reports whether it may stand in the log of a group.
func (e *envelope) keepable() bool { return e.kind == kindGroup || e.kind == kindGroupExcept }

// names are the fields with a length.
func (e *envelope) names() []*string {
	names := []*string{&e.origin, &e.target, &e.message.typ}
	if e.kind == kindGroupExcept {
		names = append(names, &e.except)
	}
	return names
}

func (e *envelope) encode() []byte {
	messageType, payload := e.message.Send().Payload()
	names := e.names()
	size := 3 + len(payload)
	for _, name := range names {
		size += 1 + len(*name)
	}
	wire := append(make([]byte, 0, size), envelopeVersion, e.kind, byte(messageType))
	for _, name := range names { // of MaxName bytes at most
		wire = append(append(wire, byte(len(*name))), *name...)
	}
	return append(wire, payload...)
}

// decodeEnvelope keeps wire: it is the message's payload.
func decodeEnvelope(wire []byte) (envelope, error) {
	if len(wire) < 3 || wire[0] != envelopeVersion || wire[2] > byte(parley.BinaryMessage) {
		return envelope{}, errBadEnvelope
	}
	e := envelope{kind: wire[1]}
	messageType, rest := parley.MessageType(wire[2]), wire[3:]
	for _, name := range e.names() {
		if len(rest) == 0 || len(rest) < 1+int(rest[0]) {
			return envelope{}, errBadEnvelope
		}
		end := 1 + int(rest[0])
		*name, rest = string(rest[1:end]), rest[end:]
	}
	body := parley.WebSocketSend{Type: messageType, Data: rest}
	e.message = FromPrepared(e.message.typ, parley.Prepare(body))
	return e, e.check()
}

func (e *envelope) check() error {
	good := valid(e.origin) && valid(e.message.typ)
	switch e.kind {
	case kindGroup, kindGroupKick, kindJoin, kindLeave, kindRules:
		good = good && Group(e.target).check() == nil
	case kindGroupExcept:
		good = good && Group(e.target).check() == nil && Name(e.except).check() == nil
	case kindDirect, kindKick:
		good = good && Name(e.target).check() == nil
	default:
		good = false
	}
	if e.kicks() {
		good = good && goodKick(e.message.Payload())
	}
	if !good {
		return errBadEnvelope
	}
	return nil
}
