package channel

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/parleygo/parley"
)

// positioned is what a message of a kept group has more than others. All copies share
// it.
type positioned struct {
	position Position
	once     sync.Once
	prepared *parley.Prepared
}

// Position returns where a received message stands in the log of its group, which is
// where Inbox.Resume goes on behind it. It is the zero Position for a message that is
// in none.
func (m Message) Position() Position {
	if m.kept == nil {
		return Position{}
	}
	return m.kept.position
}

// SendPositioned returns the event that sends the message with its position, so that a
// client knows where to resume:
//
//	{"type":"parley.message","group":"room","position":"x3k:17","data":…}
//
// The data is the payload, as it is if it is JSON, else as a string. What was made for
// binary messages is a string of base64, and "binary":true stands beside it. As with
// Send it is encoded once however many sockets there are. For a message without a
// position it is Send.
func (m Message) SendPositioned() parley.WebSocketSend {
	return parley.WebSocketSend{Prepared: m.forSockets()}
}

// forSockets is what a socket gets to which the message is forwarded.
func (m Message) forSockets() *parley.Prepared {
	if m.kept == nil || !m.prepared.Valid() {
		return m.prepared
	}
	m.kept.once.Do(func() { m.kept.prepared = parley.Prepare(parley.Text(m.frame())) })
	return m.kept.prepared
}

// frame writes what SendPositioned sends.
func (m Message) frame() string {
	messageType, payload := m.Send().Payload()
	var b bytes.Buffer
	b.Grow(len(payload) + 160)
	b.WriteString(`{"type":"parley.message","group":"`)
	b.WriteString(string(m.group)) // neither it nor a position needs an escape
	b.WriteString(`","position":"`)
	b.WriteString(m.kept.position.String())
	switch {
	case messageType == parley.BinaryMessage:
		encoded, _ := json.Marshal(payload) // bytes always have an encoding
		b.WriteString(`","binary":true,"data":`)
		b.Write(encoded)
	case json.Valid(payload):
		b.WriteString(`","data":`)
		b.Write(payload)
	default:
		encoded, _ := json.Marshal(string(payload))
		b.WriteString(`","data":`)
		b.Write(encoded)
	}
	b.WriteByte('}')
	return b.String()
}
