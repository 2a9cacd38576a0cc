package consumer

import (
	"encoding/json"
	"strconv"

	"github.com/parleygo/parley"
)

// Error is what a handler returns to a client that waits for an answer: both fields
// reach it. Of other errors the client learns nothing but that there was one.
type Error struct {
	Code    string // for programs, such as "room_full"
	Message string // for people
}

func (e *Error) Error() string { return "consumer: " + e.Code + ": " + e.Message }

// The codes of errors that clients are told without a handler's doing.
const (
	CodeInternal    = "internal"     // the handler has failed
	CodeTimeout     = "timeout"      // it has not returned within Options.RequestTimeout
	CodeUnknownType = "unknown_type" // there is none for the message's type
	CodeInvalid     = "invalid"      // the message is JSON, and does not fit its handler
)

var (
	internal    = &Error{CodeInternal, "the request has failed"}
	late        = &Error{CodeTimeout, "the request has taken too long"}
	unknownType = &Error{CodeUnknownType, "nobody handles this type"}
	invalid     = &Error{CodeInvalid, "the message does not fit its type"}
)

func (e *Error) encode() []byte {
	data, _ := json.Marshal(struct { // of strings: it does not fail
		Code    string `json:"code"`
		Message string `json:"message"`
	}{e.Code, e.Message})
	return data
}

// reply answers a request with JSON.
func (c *Conn) reply(id uint64, field string, data []byte) error {
	const begin, end = `{"type":"parley.reply","id":`, `}`
	message := make([]byte, 0, len(begin)+24+len(field)+len(data)+len(end))
	message = append(message, begin...)
	message = strconv.AppendUint(message, id, 10)
	message = append(message, `,"`...)
	message = append(message, field...)
	message = append(message, `":`...)
	message = append(message, data...)
	message = append(message, end...)
	return c.Send(c.ctx, parley.WebSocketSend{Data: message})
}
