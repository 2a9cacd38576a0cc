package socket

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

// parse feeds a parser the stream in pieces and tells what came of it.
func parse(p *parser, stream []byte, piece func(left int) int) (events []string, err error) {
	for {
		what, err := p.next()
		switch {
		case err != nil:
			return events, err
		case what == foundMessage:
			m := p.takeWhole()
			events = append(events, fmt.Sprintf("%v %q", m.Type, m.Data))
		case what == foundControl:
			events = append(events, fmt.Sprintf("control %#x %q", p.control().opcode, p.control().payload))
		case len(stream) == 0:
			return events, nil
		default:
			p.unread.rest()
			into, direct := p.target()
			n := copy(into[:min(len(into), piece(len(stream)))], stream)
			p.took(n, direct)
			stream = stream[n:]
		}
	}
}

func whole(left int) int { return left }

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

// Section numbers are RFC 6455's.
func TestParser(t *testing.T) {
	big := strings.Repeat("x", 70_000)
	for _, row := range []struct {
		name   string
		stream []byte
		want   []string
		err    error
	}{
		{"5.6 text", masked(0x81, "hé"), []string{`text "hé"`}, nil},
		{"5.6 binary", masked(0x82, "\xff\x00"), []string{`binary "\xff\x00"`}, nil},
		{"5.6 empty text", masked(0x81, ""), []string{`text ""`}, nil},
		{"5.2 16-bit length", masked(0x82, big[:126]), []string{`binary "` + big[:126] + `"`}, nil},
		{"5.2 64-bit length", masked(0x82, big), []string{`binary "` + big + `"`}, nil},
		{"5.4 fragments", join(masked(0x01, "a"), masked(0x00, "b"), masked(0x80, "c")),
			[]string{`text "abc"`}, nil},
		{"5.4 empty fragments", join(masked(0x01, ""), masked(0x00, ""), masked(0x80, "")),
			[]string{`text ""`}, nil},
		{"5.4 control between fragments", join(masked(0x01, "a"), masked(0x89, "p"), masked(0x80, "b")),
			[]string{`control 0x9 "p"`, `text "ab"`}, nil},
		{"5.4 message in a message", join(masked(0x01, "a"), masked(0x81, "b")), nil,
			parley.ErrPeerProtocol},
		{"5.4 continuation of nothing", masked(0x80, "a"), nil, parley.ErrPeerProtocol},
		{"5.5 fragmented control", masked(0x09, ""), nil, parley.ErrPeerProtocol},
		{"5.5 long control", masked(0x89, big[:126]), nil, parley.ErrPeerProtocol},
		{"5.5.3 pong nobody asked for", masked(0x8a, "x"), []string{`control 0xa "x"`}, nil},
		{"5.2 reserved opcode 3", masked(0x83, ""), nil, parley.ErrPeerProtocol},
		{"5.2 reserved opcode 11", masked(0x8b, ""), nil, parley.ErrPeerProtocol},
		{"5.2 reserved bit 1", masked(0xc1, ""), nil, parley.ErrPeerProtocol},
		{"5.2 reserved bit 2", masked(0xa1, ""), nil, parley.ErrPeerProtocol},
		{"5.2 reserved bit 3", masked(0x91, ""), nil, parley.ErrPeerProtocol},
		{"5.1 unmasked", appendFrame(nil, 0x81, []byte("a")), nil, parley.ErrPeerProtocol},
		{"5.2 length not in the shortest form, 16 bits", []byte{0x82, 0xfe, 0, 5, 0, 0, 0, 0}, nil,
			parley.ErrPeerProtocol},
		{"5.2 length not in the shortest form, 64 bits",
			[]byte{0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}, nil, parley.ErrPeerProtocol},
		{"5.2 length with its highest bit set", []byte{0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
			nil, parley.ErrPeerProtocol},
		{"8.1 invalid UTF-8", masked(0x81, "a\xff"), nil, parley.ErrInvalidPayload},
		{"8.1 surrogate", masked(0x81, "\xed\xa0\x80"), nil, parley.ErrInvalidPayload},
		{"8.1 cut rune", masked(0x81, "h\xc3"), nil, parley.ErrInvalidPayload},
		{"8.1 rune across fragments", join(masked(0x01, "h\xc3"), masked(0x80, "\xa9")),
			[]string{`text "hé"`}, nil},
		{"8.1 found in the first fragment", masked(0x01, "\xff"), nil, parley.ErrInvalidPayload},
		{"8.1 found in the middle of a frame", masked(0x81, "a\xff"+big)[:30], nil,
			parley.ErrInvalidPayload},
		{"8.1 rune that cannot become one", masked(0x81, "a\xf4\x90"+big)[:17], nil,
			parley.ErrInvalidPayload},
		{"8.1 rune that may become one", masked(0x81, "a\xf4\x8f"+big)[:17], nil, nil},
		{"1009 in one frame", masked(0x82, strings.Repeat("x", 100_001)), nil, parley.ErrTooLarge},
		{"1009 over fragments", join(masked(0x02, big), masked(0x80, big)), nil, parley.ErrTooLarge},
	} {
		for how, piece := range map[string]func(int) int{"whole": whole,
			"byte by byte": func(int) int { return 1 }} {
			t.Run(row.name+", "+how, func(t *testing.T) {
				got, err := parse(&parser{limit: 100_000}, row.stream, piece)
				if !errors.Is(err, row.err) || fmt.Sprint(got) != fmt.Sprint(row.want) && row.err == nil {
					t.Errorf("got %q, %v; want %q, %v", got, err, row.want, row.err)
				}
			})
		}
	}
}

// A header that promises a megabyte must not cost one.
func TestParserTrustsNoHeader(t *testing.T) {
	p := &parser{limit: math.MaxInt64}
	stream := []byte{0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4, 'x'}
	if _, err := parse(p, stream, whole); err != nil {
		t.Fatal(err)
	}
	if cap(p.partial.data) > 64 {
		t.Errorf("%d bytes set aside for a header", cap(p.partial.data))
	}
}

func TestUnmask(t *testing.T) {
	for size := range 100 {
		for pos := range 4 {
			b := make([]byte, size)
			unmask([4]byte{1, 2, 3, 4}, pos, b)
			for i := range b {
				if want := byte((pos+i)&3 + 1); b[i] != want {
					t.Fatalf("size %d, pos %d: byte %d is %d, want %d", size, pos, i, b[i], want)
				}
			}
		}
	}
}

// However the bytes arrive, they mean the same, and nothing panics.
func FuzzParser(f *testing.F) {
	f.Add(join(masked(0x01, "h\xc3"), masked(0x89, "ping"), masked(0x80, "\xa9"),
		masked(0x88, "\x03\xe8bye")), uint64(1), false)
	f.Add(masked(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00"), uint64(2), true)
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64, deflates bool) {
		got, err := parse(&parser{limit: 1 << 16, deflates: deflates}, stream, whole)
		random := rand.New(rand.NewPCG(seed, 0))
		split, splitErr := parse(&parser{limit: 1 << 16, deflates: deflates}, stream,
			func(left int) int { return 1 + random.IntN(left) })
		if fmt.Sprint(got) != fmt.Sprint(split) || !errors.Is(splitErr, err) {
			t.Errorf("whole: %q, %v; in pieces: %q, %v", got, err, split, splitErr)
		}
	})
}

// foresee tells how a stream ends, and leaves it to be parsed as if nobody had looked.
func FuzzForesee(f *testing.F) {
	large := strings.Repeat("x", 1<<9+1) // two are beyond the limit of one
	f.Add(join(masked(0x01, "h\xc3"), masked(0x89, "ping"), masked(0x80, "\xa9"),
		masked(0x88, "\x03\xe8bye")), uint8(9))
	f.Add(join(masked(0x02, "a"), masked(0x80, "b"), masked(0x83, "")), uint8(3))
	f.Add(masked(0x81, "\xff"), uint8(0))
	f.Add(join(masked(0x82, "\xff"), masked(0x01, "")), uint8(0)) // no text before its time
	f.Add(join(masked(0x82, large), masked(0x82, large)), uint8(0))
	f.Fuzz(func(t *testing.T, stream []byte, read uint8) {
		const limit = 1 << 10
		first := min(int(read), len(stream))
		p := &parser{limit: limit}
		before, err := parse(p, stream[:first], whole)
		if err != nil {
			return
		}
		all := append(append([]byte(nil), p.unread.bytes()...), stream[first:]...)
		p.unread = readBuffer{buf: all, w: uint32(len(all))}
		end := p.foresee()
		after, err := parse(p, nil, whole)
		want, wantErr := parse(&parser{limit: limit}, stream, whole)
		if fmt.Sprint(append(before, after...)) != fmt.Sprint(want) || !errors.Is(err, wantErr) {
			t.Errorf("parsed as %q, %q, %v; want %q, %v", before, after, err, want, wantErr)
		}
		closes := slices.ContainsFunc(after,
			func(s string) bool { return strings.HasPrefix(s, "control 0x8 ") })
		if !closes && wantErr != nil && !errors.Is(end, wantErr) || !closes && wantErr == nil &&
			end != io.EOF {
			t.Errorf("foreseen as %v, ended with %v", end, wantErr)
		}
	})
}
