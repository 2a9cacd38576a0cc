package socket

import (
	"compress/flate"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/parleygo/parley"
)

// inflate expands a compressed message to at most limit bytes.
func inflate(compressed []byte, limit int64) ([]byte, error) {
	i := inflaters.Get().(*inflater)
	defer i.giveBack()
	i.source = compressedMessage{compressed, deflateTail}
	if err := i.beginStream(); err != nil {
		return nil, err
	}
	var from io.Reader = i
	if limit < math.MaxInt64 {
		from = io.LimitReader(i, limit+1)
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

// inflater reads what a compressed message says.
type inflater struct {
	flate  io.ReadCloser
	source compressedMessage
}

var inflaters = sync.Pool{New: func() any { return &inflater{flate: flate.NewReader(nil)} }}

func (i *inflater) giveBack() {
	i.source = compressedMessage{} // the message is not kept
	inflaters.Put(i)
}

func (i *inflater) beginStream() error {
	return i.flate.(flate.Resetter).Reset(&i.source, nil)
}

// Read reads the whole message. A block in it may say that it is the last (RFC 7692,
// section 7.2.1): what comes behind that begins at the next byte, as a stream of its own.
func (i *inflater) Read(p []byte) (n int, err error) {
	for n == 0 && err == nil {
		n, err = i.flate.Read(p)
		if err == io.EOF && len(i.source.message) > 0 {
			err = i.beginStream()
		}
	}
	return n, err
}

// compressedMessage is the payload of a message and what its sender has removed. Since
// it is read by the byte as well, nobody reads ahead, beyond the end of a stream.
type compressedMessage struct {
	message []byte
	tail    string
}

// deflateTail is the end of the empty block that the RFC has the sender remove, and a
// block that ends the stream.
const deflateTail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

// ReadByte implements io.ByteReader.
func (c *compressedMessage) ReadByte() (b byte, err error) {
	switch {
	case len(c.message) > 0:
		b, c.message = c.message[0], c.message[1:]
	case c.tail != "":
		b, c.tail = c.tail[0], c.tail[1:]
	default:
		err = io.EOF
	}
	return b, err
}

func (c *compressedMessage) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	n = copy(p, c.message)
	c.message = c.message[n:]
	if n == 0 {
		n = copy(p, c.tail)
		c.tail = c.tail[n:]
	}
	if n == 0 {
		err = io.EOF
	}
	return n, err
}
