package consumer

import (
	"encoding/json"

	"github.com/parleygo/parley"
)

// Codec encodes and decodes the values of handlers. Its functions may be called
// from many goroutines at once. The zero value is encoding/json in text
// messages; a function that is nil is encoding/json's.
type Codec struct {
	Type      parley.MessageType // of the client's messages
	Marshal   func(value any) ([]byte, error)
	Unmarshal func(data []byte, value any) error
}

func (c Codec) withDefaults() Codec {
	if c.Marshal == nil {
		c.Marshal = json.Marshal
	}
	if c.Unmarshal == nil {
		c.Unmarshal = json.Unmarshal
	}
	return c
}
