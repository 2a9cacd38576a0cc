package socket

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/parleygo/parley"
)

// clientFrame is a frame as a client meant it.
type clientFrame struct {
	first   byte
	payload string
}

// framesOf makes frames of a fuzzer's bytes: each time a first byte, a length and
// so many bytes of payload.
func framesOf(script []byte) (frames []clientFrame) {
	for len(script) >= 2 {
		n := min(int(script[1]), len(script)-2)
		frames = append(frames, clientFrame{script[0], string(script[2 : 2+n])})
		script = script[2+n:]
	}
	return frames
}

// reassemble does what a parser should, in the plainest way.
func reassemble(frames []clientFrame, limit int) (events []string, err error) {
	var message, kind string
	for _, f := range frames {
		final, op := f.first&finBit != 0, f.first&0x0f
		switch {
		case f.first&rsvBits != 0:
			return events, parley.ErrPeerProtocol
		case op == opClose || op == opPing || op == opPong:
			if !final || len(f.payload) > 125 {
				return events, parley.ErrPeerProtocol
			}
			events = append(events, fmt.Sprintf("control %#x %q", op, f.payload))
			continue
		case op == opText && kind == "":
			kind = "text"
		case op == opBinary && kind == "":
			kind = "binary"
		case op != opContinuation || kind == "":
			return events, parley.ErrPeerProtocol
		}
		if message += f.payload; len(message) > limit {
			return events, parley.ErrTooLarge
		}
		if kind == "text" && !mayBeText(message, final) {
			return events, parley.ErrInvalidPayload
		}
		if final {
			events = append(events, fmt.Sprintf("%s %q", kind, message))
			message, kind = "", ""
		}
	}
	return events, nil
}

// mayBeText reports whether s is UTF-8 or, unless it is whole, can become it.
func mayBeText(s string, whole bool) bool {
	if utf8.ValidString(s) {
		return true
	}
	for n := 1; n <= min(3, len(s)) && !whole; n++ {
		if head, tail := s[:len(s)-n], s[len(s)-n:]; utf8.ValidString(head) &&
			!utf8.FullRuneInString(tail) {
			return true
		}
	}
	return false
}

// However a client cuts its messages, and however they arrive, the parser makes the
// same of them as the plainest reassembly.
func FuzzFragments(f *testing.F) {
	f.Add([]byte("\x01\x02h\xc3\x89\x01p\x00\x00\x80\x01\xa9\x88\x02\x03\xe8"), uint64(1))
	f.Add([]byte("\x02\x01a\x00\x01b\x00\x01c\x80\x01d\x81\x01e"), uint64(2))
	f.Add([]byte("\x01\x03\xe2\x82\xac\x00\x02\xf0\x9f\x80\x02\x98\x80"), uint64(3))
	f.Fuzz(func(t *testing.T, script []byte, seed uint64) {
		const limit = 300
		frames := framesOf(script)
		var stream []byte
		for _, frame := range frames {
			stream = append(stream, masked(frame.first, frame.payload)...)
		}
		want, wantErr := reassemble(frames, limit)
		random := rand.New(rand.NewPCG(seed, 0))
		for how, piece := range map[string]func(int) int{
			"whole": whole, "in pieces": func(left int) int { return 1 + random.IntN(min(left, 20)) },
		} {
			got, err := parse(&parser{limit: limit}, stream, piece)
			if !slices.Equal(got, want) || !errors.Is(err, wantErr) {
				t.Errorf("%s: %q, %v; want %q, %v", how, got, err, want, wantErr)
			}
		}
	})
}
