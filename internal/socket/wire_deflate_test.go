package socket_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/socket"
)

const (
	offer    = "permessage-deflate; client_max_window_bits"
	agreed   = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	rsv1     = 0x40
	textRSV1 = 0x81 | rsv1
)

// squeezed is a compressed payload, made at a level.
func squeezed(level int, data string) string {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, level)
	if err != nil {
		panic(err)
	}
	io.WriteString(w, data)
	w.Flush()
	return strings.TrimSuffix(out.String(), "\x00\x00\xff\xff")
}

// finished is data compressed as a stream that has an end.
func finished(data string) string {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		panic(err)
	}
	io.WriteString(w, data)
	w.Close()
	return out.String()
}

// noise is n bytes that no compression makes smaller.
func noise(n int) string {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(data)
	return string(data)
}

// inFragments is a compressed message in frames.
func inFragments(payload string) (stream []byte) {
	stream = frames(0x02|rsv1, payload[:100_000])
	for payload = payload[100_000:]; len(payload) > 100_000; payload = payload[100_000:] {
		stream = append(stream, frames(0x00, payload[:100_000])...)
	}
	return append(stream, frames(0x80, payload)...)
}

// TestWireDeflate checks what a client sees of RFC 7692.
func TestWireDeflate(t *testing.T) {
	address := echoes(t, parley.SocketOptions{Deflate: true, DeflateThreshold: 1 << 21})
	long := strings.Repeat("hello ", 1000)
	bytesOnly := socket.Deflate([]byte("\xff\xfe"))
	cases := []wireCase{
		say("7.2.3.1 hello", "\xf2\x48\xcd\xc9\xc9\x07\x00", "Hello"),
		say("7.2.3.3 stored", "\x00\x05\x00\xfa\xffHello\x00", "Hello"),
		say("7.2.3.4 last block", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "Hello"),
		say("7.2.3.4 last block, and no block behind it", finished("Hello"), "Hello"),
		say("7.2.3.4 two last blocks", finished("Hello")+finished(" there")+"\x00", "Hello there"),
		say("7.2.3.4 last block, and more", finished("Hello")+squeezed(9, " there"), "Hello there"),
		say("7.2.3.4 last blocks of nothing", strings.Repeat(finished(""), 3000)+squeezed(9, "x"), "x"),
		say("7.2.3.5 two blocks", "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "Hello"),
		say("7.2.3.6 empty", "\x00", ""),
		{name: "7.2.1 not compressed", sends: append(frames(0x81, "plain"), bye...),
			gets: []string{`text "plain"`, byeBack}},
		{name: "7.2.3.1 in fragments", gets: []string{`text "Hello"`, byeBack},
			sends: append(frames(0x01|rsv1, "\xf2\x48\xcd", 0x00, "\xc9\xc9", 0x80, "\x07\x00"), bye...)},
		{name: "7.2.3.1 in fragments with a ping", gets: []string{`pong "p"`, `text "Hello"`, byeBack},
			sends: append(frames(0x01|rsv1, "\xf2\x48\xcd", 0x89, "p", 0x80, "\xc9\xc9\x07\x00"), bye...)},
		{name: "the first fragment empty", gets: []string{`text "Hello"`, byeBack},
			sends: append(frames(0x01|rsv1, "", 0x80, "\xf2\x48\xcd\xc9\xc9\x07\x00"), bye...)},
		{name: "compressed, then not", gets: []string{`text "Hello"`, `text "plain"`, byeBack},
			sends: append(frames(textRSV1, "\xf2\x48\xcd\xc9\xc9\x07\x00", 0x81, "plain"), bye...)},
		failing("6 bit on a continuation",
			frames(0x01|rsv1, "\xf2\x48\xcd", 0x80|rsv1, "\xc9\xc9\x07\x00"), 1002),
		failing("6 bit on a continuation only", frames(0x01, "h", 0x80|rsv1, "i"), 1002),
		failing("6 bit on a ping", frames(0x89|rsv1, ""), 1002),
		failing("6 bit on a pong", frames(0x8a|rsv1, ""), 1002),
		failing("6 bit on a close", frames(0x88|rsv1, ""), 1002),
		failing("6 another bit", frames(0x81|0x20, ""), 1002),
		failing("6 another bit beside it", frames(textRSV1|0x10, "\xf2\x48\xcd\xc9\xc9\x07\x00"), 1002),
		failing("damaged", frames(0x82|rsv1, "\xff\xff\xff"), 1007),
		failing("damaged later", frames(0x82|rsv1, "\xf2\x48\xcd\xff\xff\xff\xff"), 1007),
		failing("damaged behind a last block", frames(0x82|rsv1, finished("Hello")+"garbage"), 1007),
		failing("reaches before a last block", frames(textRSV1,
			"\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x00\x11\x00\x00"), 1007),
		failing("no block at all", frames(textRSV1, ""), 1007),
		failing("last blocks beyond the limit", frames(0x82|rsv1,
			strings.Repeat(finished(strings.Repeat("x", 1<<19)), 2)+squeezed(9, "x")), 1009),
		failing("stored length wrong", frames(0x82|rsv1, "\x00\x05\x00\x00\x00Hello\x00"), 1007),
		failing("reaches behind its beginning", frames(textRSV1, "\xf2\x00\x11\x00\x00"), 1007),
		failing("not text", frames(textRSV1, string(bytesOnly)), 1007),
		failing("inflates beyond the limit", frames(0x82|rsv1, squeezed(9, strings.Repeat("x", 1<<20+1))),
			1009),
		{name: "inflates to the limit", gets: []string{"binary of 1048576", byeBack},
			sends: append(frames(0x82|rsv1, squeezed(9, strings.Repeat("x", 1<<20))), bye...)},
		failing("cannot be compressed, beyond the limit",
			frames(0x82|rsv1, squeezed(flate.NoCompression, noise(1<<20+1))), 1009),
		{name: "cannot be compressed, in fragments", gets: []string{"binary of 1048576", byeBack},
			sends: append(inFragments(squeezed(flate.NoCompression, noise(1<<20))), bye...)},
	}
	for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed} {
		cases = append(cases, wireCase{name: fmt.Sprintf("cannot be compressed by level %d", level),
			gets:  []string{"binary of 1048576", byeBack},
			sends: append(frames(0x82|rsv1, squeezed(level, noise(1<<20))), bye...)})
	}
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
		for _, chop := range []int{0, 1} {
			c := say(fmt.Sprintf("level %d by %d", level, chop), squeezed(level, long), long)
			c.chop = chop
			cases = append(cases, c)
		}
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, address, offer)
		})
	}
}

// say is a compressed text, which is said back.
func say(name, compressed, text string) wireCase {
	return wireCase{name: name, sends: append(frames(textRSV1, compressed), bye...),
		gets: []string{frameText(0x81, []byte(text)), byeBack}}
}

// TestWireOffers checks how an offer is answered, and that both sides then mean the
// same by a frame.
func TestWireOffers(t *testing.T) {
	on, off := echoes(t, parley.SocketOptions{Deflate: true, DeflateThreshold: 1}), echoes(t,
		parley.SocketOptions{})
	for _, row := range []struct {
		name, address, offer, want string
	}{
		{"offered", on, "permessage-deflate", agreed},
		{"offered as browsers do", on, offer, agreed},
		{"one of two can be met", on, "permessage-deflate; server_max_window_bits=10, permessage-deflate",
			agreed},
		{"cannot be met", on, "permessage-deflate; server_max_window_bits=10", ""},
		{"something else", on, "foo", ""},
		{"nothing", on, "", ""},
		{"off", off, offer, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			conn, r, got := dialWire(t, row.address, row.offer)
			if got != row.want {
				t.Errorf("answered with %q", got)
			}
			conn.Write(frames(0x81, "hello", 0x88, closed(1000, "")))
			first, payload, err := readServerFrame(r)
			if compressed := first&rsv1 != 0; err != nil || compressed != (row.want != "") {
				t.Errorf("said back in frame %#x, %v", first, err)
			} else if compressed {
				payload, err = socket.Inflate(payload, 100)
			}
			if string(payload) != "hello" || err != nil {
				t.Errorf("said back %q, %v", payload, err)
			}
		})
	}
}
