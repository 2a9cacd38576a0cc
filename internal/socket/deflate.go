package socket

import (
	"bytes"
	"compress/flate"
	"sync"
)

// permessage-deflate (RFC 7692), without context takeover on either side: no
// memory is kept between messages.

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic("socket: " + err.Error()) // only for a level out of range
	}
	return w
}}

// deflate compresses data as the payload of one message.
func deflate(data []byte) []byte {
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	var out bytes.Buffer
	w.Reset(&out)
	w.Write(data) // into memory: cannot fail
	w.Flush()
	return bytes.TrimSuffix(out.Bytes(), []byte("\x00\x00\xff\xff"))
}
