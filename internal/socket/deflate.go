package socket

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"

	"github.com/parleygo/parley"
)

// permessage-deflate (RFC 7692), without context takeover on either side: no
// memory is kept between messages.

// deflateTail ends a DEFLATE stream that was flushed with the empty block the
// RFC has the sender remove.
const deflateTail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic("socket: " + err.Error()) // only for a level out of range
	}
	return w
}}

// inflate expands a compressed message to at most limit bytes.
func inflate(compressed []byte, limit int64) ([]byte, error) {
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	source := io.MultiReader(bytes.NewReader(compressed), strings.NewReader(deflateTail))
	if err := r.(flate.Resetter).Reset(source, nil); err != nil {
		return nil, err
	}
	var from io.Reader = r
	if limit < math.MaxInt64 {
		from = io.LimitReader(r, limit+1)
	}
	data, err := io.ReadAll(from)
	switch {
	case err != nil:
		return nil, errInflate
	case int64(len(data)) > limit:
		return nil, parley.ErrTooLarge
	}
	return data, nil
}

var errInflate = fmt.Errorf("%w: its compression is damaged", parley.ErrInvalidPayload)

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
