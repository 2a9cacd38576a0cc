package channel

import (
	"encoding/json"
	"fmt"

	"github.com/parleygo/parley"
)

// Message is what inboxes receive: a type, which names its handler, and bytes.
// It is an immutable value: the bytes are shared by the sender and all
// receivers, and nobody may change them once the message is made.
//
// The bytes are also ready to be sent to any number of sockets as they are, see
// Send.
type Message struct {
	typ      string
	group    Group
	prepared *parley.Prepared
	kept     *positioned // nil for a message of no log
}

// NewMessage makes a message of bytes, which are text if they go to a socket as
// they are. It keeps payload. The type follows the rules of a group name, such
// as "chat.line"; sending a message with another type returns a *NameError.
func NewMessage(typ string, payload []byte) Message {
	return FromPrepared(typ, parley.Prepare(parley.WebSocketSend{Data: payload}))
}

// FromPrepared makes a message of one that is ready for sockets. It is the way
// to binary messages: FromPrepared(typ, parley.Prepare(parley.Binary(data))).
func FromPrepared(typ string, prepared *parley.Prepared) Message {
	return Message{typ: typ, prepared: prepared}
}

// JSON makes a message of a value, encoded once.
func JSON(typ string, value any) (Message, error) {
	payload, err := json.Marshal(value)
	if err != nil {
		return Message{}, fmt.Errorf("channel: encode %s: %w", typ, err)
	}
	return NewMessage(typ, payload), nil
}

// Type returns what names the message's handler.
//
//parley:inline
func (m Message) Type() string { return m.typ }

// Group returns the group that a received message was sent to, and "" for one
// that was sent to the inbox alone.
func (m Message) Group() Group { return m.group }

// Payload returns the bytes, which must not be changed.
//
//parley:inline
func (m Message) Payload() []byte {
	_, payload := m.Send().Payload()
	return payload
}

// Send returns the event that sends the payload to a socket as it is. All
// receivers of a broadcast send the same parley.Prepared, so it is framed once
// however many sockets there are:
//
//	conn.Send(ctx, message.Send())
//
// For the zero Message it is an empty text.
//
//parley:inline
func (m Message) Send() parley.WebSocketSend { return parley.WebSocketSend{Prepared: m.prepared} }
