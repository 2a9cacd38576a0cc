package socket

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math"
	"net/textproto"
	"strconv"
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

// acceptsDeflate reports whether one of the client's offers can be met: gorilla
// answers every one of them with both no_context_takeover parameters and
// nothing else, so an offer that asks for a smaller window must be declined.
func acceptsDeflate(lines []string) bool {
	for _, line := range lines {
		for offer := range strings.SplitSeq(line, ",") {
			if meetableOffer(offer) {
				return true
			}
		}
	}
	return false
}

func meetableOffer(offer string) bool {
	name, rest, _ := strings.Cut(offer, ";")
	if textproto.TrimString(name) != "permessage-deflate" {
		return false
	}
	seen := map[string]bool{}
	for rest != "" {
		var param string
		param, rest, _ = strings.Cut(rest, ";")
		key, value, hasValue := strings.Cut(textproto.TrimString(param), "=")
		if seen[key] || !meetableParam(key, strings.Trim(value, `"`), hasValue) {
			return false
		}
		seen[key] = true
	}
	return true
}

func meetableParam(key, value string, hasValue bool) bool {
	switch key {
	case "server_no_context_takeover", "client_no_context_takeover":
		return !hasValue
	case "client_max_window_bits":
		bits, err := strconv.Atoi(value)
		return !hasValue || err == nil && bits >= 8 && bits <= 15 && value[0] != '0'
	}
	return false
}
