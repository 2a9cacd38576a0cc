package socket

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

// fragments is a message in frames of at most each bytes, with between after every
// frame but the last.
func fragments(first byte, message string, each int, between []byte) (stream []byte) {
	first &^= finBit
	for len(message) > each {
		stream = append(append(stream, masked(first, message[:each])...), between...)
		first, message = opContinuation, message[each:]
	}
	return append(stream, masked(finBit|first, message)...)
}

// What a message costs is in proportion to its bytes, however they are framed and
// however they arrive.
func TestCostOfFraming(t *testing.T) {
	const size = 64 << 10
	message := strings.Repeat("x", size)
	ping := masked(finBit|opPing, "p")
	for _, row := range []struct {
		name   string
		stream []byte
		piece  func(left int) int
		most   uint64 // bytes allocated
	}{
		{"one frame", masked(0x82, message), whole, 2 * size},
		{"one frame, byte by byte", masked(0x82, message), func(int) int { return 1 }, 3 * size},
		{"frames of a byte", fragments(0x02, message, 1, nil), whole, 5 * size},
		{"text in frames of a byte", fragments(0x01, message, 1, nil), whole, 5 * size},
		{"frames of a byte and pings", fragments(0x02, message, 1, ping), whole, 5 * size},
		{"frames of 1000 bytes", fragments(0x02, message, 1000, nil), whole, 5 * size},
		{"many small messages", bytes.Repeat(masked(0x82, "12345678"), size/8), whole, 3 * size},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := allocated(func() { consume(t, row.stream, row.piece) }); got > row.most {
				t.Errorf("%d bytes allocated for a message of %d", got, size)
			}
		})
	}
}

// allocated returns how many bytes f allocates, if nobody else does in one of three
// tries.
func allocated(f func()) (least uint64) {
	least = math.MaxUint64
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// consume parses the stream and drops what it brings.
func consume(tb testing.TB, stream []byte, piece func(left int) int) {
	p := &parser{limit: 1 << 20}
	for {
		switch what, err := p.next(); {
		case err != nil:
			tb.Fatal(err)
		case what == foundMessage:
			p.takeWhole()
		case what == foundControl:
		case len(stream) == 0:
			return
		default:
			into, direct := p.target()
			n := copy(into[:min(len(into), piece(len(stream)))], stream)
			p.took(n, direct)
			stream = stream[n:]
		}
	}
}

// A socket whose peer has stopped in the middle holds little more than what has
// come.
func TestPartialMessagesHoldWhatHasArrived(t *testing.T) {
	const promised = 1 << 20
	frame := masked(0x82, strings.Repeat("x", promised))
	for _, row := range []struct {
		name   string
		stream []byte
	}{
		{"a byte of a header", frame[:1]},
		{"most of a header", frame[:13]},
		{"a header", frame[:14]},
		{"a header and a byte", frame[:15]},
		{"a few kilobytes", frame[:5000]},
		{"a large part", frame[:300_000]},
		{"a fragment of a byte", masked(0x02, "x")},
		{"a large fragment and a header",
			join(masked(0x02, strings.Repeat("x", 100_000)), []byte{0x80, 0xff})},
		{"a part of a ping", masked(0x89, strings.Repeat("x", 125))[:100]},
	} {
		for how, piece := range map[string]func(int) int{"whole": whole,
			"byte by byte": func(int) int { return 1 }} {
			t.Run(row.name+", "+how, func(t *testing.T) {
				p := &parser{limit: promised}
				if _, err := parse(p, row.stream, piece); err != nil {
					t.Fatal(err)
				}
				p.target() // as a reader does before it finds that nothing has come
				p.unread.rest()
				held := cap(p.partial.data) + cap(p.unread.buf)
				if most := 5*len(row.stream) + 32; held > most {
					t.Errorf("%d bytes held for %d", held, len(row.stream))
				}
			})
		}
	}
}

// A message without an end is bounded, also one whose frames have no payload.
func TestFramesWithoutEnd(t *testing.T) {
	for name, row := range map[string]struct {
		stream []byte
		err    error
	}{
		"as many as may be": {emptyFrames(maxEmptyFrames), nil},
		"one too many":      {emptyFrames(maxEmptyFrames + 1), parley.ErrTooLarge},
	} {
		if _, err := parse(&parser{limit: math.MaxInt64}, row.stream, whole); !errors.Is(err, row.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func emptyFrames(n int) []byte {
	return append(masked(opText, ""), bytes.Repeat(masked(opContinuation, ""), n-1)...)
}

func BenchmarkFragments(b *testing.B) {
	for _, size := range []int{64 << 10, 256 << 10, 1 << 20} {
		message := strings.Repeat("x", size)
		for _, each := range []int{1, 1000, size} {
			b.Run(fmt.Sprintf("%dKiB/by%d", size>>10, each), func(b *testing.B) {
				stream := fragments(0x02, message, each, nil)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					consume(b, stream, whole)
				}
			})
		}
	}
}
