package fallback

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/sse"
)

// encoded returns a message in one of our encodings. That of a prepared one is made
// once for all sessions.
func encoded(
	message parley.WebSocketSend, name string, encode func(parley.MessageType, []byte) []byte,
) []byte {
	if message.Prepared != nil {
		return message.Prepared.Frame(name, encode)
	}
	return encode(message.Payload())
}

// asEvent is a message as a server-sent event, but for its id, which comes before.
// Text stays as it is, unless it has a carriage return, which no event can hold.
func asEvent(kind parley.MessageType, data []byte) []byte {
	event := sse.Event{Data: string(data)}
	switch {
	case kind == parley.BinaryMessage:
		event.Name, event.Data = "binary", base64.StdEncoding.EncodeToString(data)
	case strings.ContainsRune(event.Data, '\r'):
		quoted, _ := json.Marshal(event.Data)
		event.Name, event.Data = "text", string(quoted)
	}
	text, _ := event.AppendText(nil) // the name is ours
	return text
}

// parcel is a message in the answer to a poll. encoding/json makes base64 of bytes.
// The pointers tell an empty message from none.
type parcel struct {
	Text   *string `json:"text,omitempty"`
	Binary *[]byte `json:"binary,omitempty"`
}

func asParcel(kind parley.MessageType, data []byte) []byte {
	var p parcel
	if text := string(data); kind == parley.BinaryMessage {
		p.Binary = &data
	} else {
		p.Text = &text
	}
	encoded, _ := json.Marshal(p)
	return encoded
}
