package socket_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/socket"
)

// TestWire checks what a client sees of RFC 6455, case by case, on a live gateway.
func TestWire(t *testing.T) {
	address := echoes(t, parley.SocketOptions{})
	cases := slices.Concat(sizeCases(), pingCases(), reservedBitCases(), opcodeCases(),
		fragmentCases(), textCases(), closeCases(), closeCodeCases(), lengthCases())
	t.Logf("%d cases", len(cases))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, address, "")
		})
	}
}

// TestWireTLS checks the same where the connection is not the kernel's own.
func TestWireTLS(t *testing.T) {
	server := httptest.NewTLSServer(echoGateway(parley.SocketOptions{}))
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	cases := slices.Concat(sizeCases(), pingCases(), fragmentCases(), closeCases(), lengthCases())
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
			config.NextProtos = []string{"http/1.1"}
			conn, err := tls.Dial("tcp", address, config)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			r, _ := shakeHands(t, conn, address, "")
			c.act(t, conn, r)
		})
	}
}

// sizeCases: section 5.2, messages of all kinds of length, however they arrive.
func sizeCases() (all []wireCase) {
	for _, size := range []int{0, 1, 124, 125, 126, 127, 128, 1000, 65_535, 65_536, 200_000} {
		for _, chop := range []int{0, 1, 997, 1460, 4096} {
			if chop == 1 && size > 1000 {
				continue
			}
			data := strings.Repeat("*", size)
			for first, kind := range map[int]byte{0x81: 0x81, 0x82: 0x82} {
				all = append(all, wireCase{
					name:  fmt.Sprintf("5.2 %#x of %d bytes by %d", first, size, chop),
					sends: append(frames(first, data), bye...), chop: chop,
					gets: []string{frameText(kind, []byte(data)), byeBack},
				})
			}
		}
	}
	return all
}

// lengthCases: section 5.2, lengths that may not be.
func lengthCases() []wireCase {
	return []wireCase{
		failing("5.2 16 bits for a short length", []byte{0x82, 0xfe, 0, 125}, 1002),
		failing("5.2 64 bits for a 16-bit length", []byte{0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff},
			1002),
		failing("5.2 highest bit of the length", []byte{0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0}, 1002),
		failing("5.2 longer than the limit", []byte{0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 1}, 1009),
		failing("5.1 not masked", []byte{0x81, 2, 'h', 'i'}, 1002),
		failing("5.1 ping not masked", []byte{0x89, 0}, 1002),
		failing("5.1 close not masked", []byte{0x88, 0}, 1002),
		failing("5.2 opcode, of which nothing else has come", []byte{0x83}, 1002),
		failing("5.2 bit, with which nothing else has come", []byte{0xc1}, 1002),
	}
}

// failing is a case in which the server ends the connection as soon as it can know
// better: without another byte.
func failing(name string, sends []byte, code int, before ...string) wireCase {
	if len(sends) >= 2 && sends[1]&0x7f >= 126 && len(sends) < 14 {
		sends = append(sends, 0, 0, 0, 0) // the key, which is part of the header
	}
	return wireCase{name: name, sends: sends,
		gets: append(before, fmt.Sprintf("close %d %q", code, ""))}
}

// pingCases: sections 5.5.2 and 5.5.3.
func pingCases() []wireCase {
	long := strings.Repeat("p", 125)
	all := []wireCase{
		{name: "5.5.2 ping", sends: append(frames(0x89, ""), bye...), gets: []string{`pong ""`, byeBack}},
		{name: "5.5.2 ping with text", sends: append(frames(0x89, "hi"), bye...),
			gets: []string{`pong "hi"`, byeBack}},
		{name: "5.5.2 ping with bytes", sends: append(frames(0x89, "\x00\xff\xfe"), bye...),
			gets: []string{`pong "\x00\xff\xfe"`, byeBack}},
		{name: "5.5.2 ping of 125 bytes", sends: append(frames(0x89, long), bye...),
			gets: []string{fmt.Sprintf("pong %q", long), byeBack}},
		{name: "5.5.2 ping of 125 bytes by one", sends: append(frames(0x89, long), bye...), chop: 1,
			gets: []string{fmt.Sprintf("pong %q", long), byeBack}},
		failing("5.5 ping of 126 bytes", frames(0x89, long+"p"), 1002),
		failing("5.5 pong of 126 bytes", frames(0x8a, long+"p"), 1002),
		failing("5.5 close of 126 bytes", frames(0x88, closed(1000, long[1:])), 1002),
		failing("5.5 ping in fragments", frames(0x09, "hi"), 1002),
		failing("5.5 pong in fragments", frames(0x0a, "hi"), 1002),
		failing("5.5 close in fragments", frames(0x08, closed(1000, "")), 1002),
		{name: "5.5.3 pong nobody asked for", sends: append(frames(0x8a, "hi"), bye...),
			gets: []string{byeBack}},
		{name: "5.5.3 pong, then ping", sends: append(frames(0x8a, "x", 0x89, "hi"), bye...),
			gets: []string{`pong "hi"`, byeBack}},
	}
	for _, chop := range []int{0, 1} {
		ten := wireCase{name: fmt.Sprintf("5.5.2 ten pings by %d", chop), chop: chop}
		for i := range 10 {
			ten.sends = append(ten.sends, frames(0x89, fmt.Sprint(i))...)
			ten.gets = append(ten.gets, fmt.Sprintf(`pong "%d"`, i))
		}
		ten.sends, ten.gets = append(ten.sends, bye...), append(ten.gets, byeBack)
		all = append(all, ten)
	}
	return all
}

// reservedBitCases: section 5.2, bits that nobody has agreed upon.
func reservedBitCases() (all []wireCase) {
	for bits := 0x10; bits <= 0x70; bits += 0x10 {
		for _, opcode := range []int{0x81, 0x82, 0x01, 0x88, 0x89, 0x8a} {
			for _, payload := range []string{"", "hi"} {
				if opcode == 0x88 {
					payload = closed(1000, payload)
				}
				all = append(all,
					failing(fmt.Sprintf("5.2 bits %#x on %#x of %d", bits, opcode, len(payload)),
						frames(opcode|bits, payload), 1002),
					failing(fmt.Sprintf("5.2 bits %#x on %#x of %d after a message", bits, opcode, len(payload)),
						frames(0x81, "one", opcode|bits, payload), 1002, `text "one"`))
			}
		}
		all = append(all, failing(fmt.Sprintf("5.2 bits %#x on a continuation", bits),
			frames(0x01, "h", 0x80|bits, "i"), 1002))
	}
	return all
}

// opcodeCases: section 5.2, opcodes that are reserved.
func opcodeCases() (all []wireCase) {
	for _, opcode := range []int{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		for _, payload := range []string{"", "hi"} {
			for _, final := range []int{0, 0x80} {
				all = append(all,
					failing(fmt.Sprintf("5.2 opcode %d, %#x, of %d", opcode, final, len(payload)),
						frames(final|opcode, payload), 1002),
					failing(fmt.Sprintf("5.2 opcode %d, %#x, of %d after a message", opcode, final, len(payload)),
						frames(0x81, "one", final|opcode, payload), 1002, `text "one"`))
			}
		}
	}
	return all
}

// fragmentCases: section 5.4.
func fragmentCases() []wireCase {
	all := []wireCase{
		failing("5.4 continuation of nothing", frames(0x80, "hi"), 1002),
		failing("5.4 continuation of nothing, not the last", frames(0x00, "hi"), 1002),
		failing("5.4 continuation of nothing after a message", frames(0x81, "one", 0x80, "hi"), 1002,
			`text "one"`),
		failing("5.4 continuation after a message in fragments",
			frames(0x01, "o", 0x80, "ne", 0x80, "hi"), 1002, `text "one"`),
		failing("5.4 text in a message", frames(0x01, "h", 0x81, "i"), 1002),
		failing("5.4 binary in a message", frames(0x01, "h", 0x82, "i"), 1002),
		failing("5.4 fragment in a message", frames(0x01, "h", 0x01, "i"), 1002),
		{name: "5.4 close in a message", sends: frames(0x01, "h", 0x88, closed(1000, "")),
			gets: []string{byeBack}},
		failing("5.4 larger than the limit in fragments",
			frames(0x02, strings.Repeat("x", 1<<20), 0x80, "x"), 1009),
		{name: "5.4 two messages in fragments", gets: []string{`text "hi"`, `binary "you"`, byeBack},
			sends: append(frames(0x01, "h", 0x80, "i", 0x02, "y", 0x00, "o", 0x80, "u"), bye...)},
	}
	for _, chop := range []int{0, 1} {
		for _, kind := range []int{0x01, 0x02} {
			for _, parts := range [][]string{{"", ""}, {"hi", ""}, {"", "hi"}, {"", "", ""}, {"a", "b", "c"},
				{"a", "", "b", ""}} {
				all = append(all, fragmentsCase(kind, parts, chop, false),
					fragmentsCase(kind, parts, chop, true))
			}
			all = append(all, fragmentsCase(kind, slices.Repeat([]string{"x"}, 2000), chop*1460, false))
		}
	}
	return all
}

func fragmentsCase(kind int, parts []string, chop int, pings bool) wireCase {
	c := wireCase{chop: chop, name: fmt.Sprintf("5.4 %#x in %d fragments %.10q by %d", kind,
		len(parts), parts, chop)}
	if pings {
		c.name += " with pings"
	}
	for i, part := range parts {
		first := kind
		if i > 0 {
			first = 0
		}
		if i == len(parts)-1 {
			first |= 0x80
		}
		if pings && i > 0 {
			c.sends = append(c.sends, frames(0x89, fmt.Sprint(i))...)
			c.gets = append(c.gets, fmt.Sprintf(`pong "%d"`, i))
		}
		c.sends = append(c.sends, frames(first, part)...)
	}
	c.sends = append(c.sends, bye...)
	c.gets = append(c.gets, frameText(byte(kind|0x80), []byte(strings.Join(parts, ""))), byeBack)
	return c
}

// textCases: section 8.1. Text that is none fails at its first wrong byte.
func textCases() (all []wireCase) {
	for _, s := range validTexts {
		all = append(all,
			wireCase{name: fmt.Sprintf("8.1 %+q", s), sends: append(frames(0x81, s), bye...),
				gets: []string{frameText(0x81, []byte(s)), byeBack}},
			wireCase{name: fmt.Sprintf("8.1 %+q in fragments", s), sends: append(bytewise(s), bye...),
				gets: []string{frameText(0x81, []byte(s)), byeBack}},
			wireCase{name: fmt.Sprintf("8.1 %+q by bytes", s), sends: append(frames(0x81, s), bye...),
				chop: 1,
				gets: []string{frameText(0x81, []byte(s)), byeBack}})
	}
	for _, s := range invalidTexts {
		all = append(all, failing(fmt.Sprintf("8.1 %+q", s), frames(0x81, s), 1007),
			failing(fmt.Sprintf("8.1 %+q in fragments", s), bytewise(s), 1007))
		for n := range len(s) {
			if socket.MayBeText(s[:n+1], false) {
				continue
			}
			// The frame goes on, but the client does not.
			frame := frames(0x81, s+strings.Repeat(".", 60))
			all = append(all,
				failing(fmt.Sprintf("8.1 %+q, at its byte %d", s, n+1), frame[:6+n+1], 1007),
				failing(fmt.Sprintf("8.1 %+q, at its byte %d of a fragment", s, n+1), bytewise(s)[:7*(n+1)],
					1007))
			break
		}
	}
	return all
}

// bytewise is a text in fragments of a byte.
func bytewise(s string) (stream []byte) {
	for i := range len(s) {
		first := 0
		if i == 0 {
			first = 0x01
		}
		if i == len(s)-1 {
			first |= 0x80
		}
		stream = append(stream, frames(first, s[i:i+1])...)
	}
	return stream
}

// Boundaries of UTF-8, after the tables of Unicode, chapter 3.9.
var (
	validTexts = []string{
		"Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "\x00", "\u0080", "\u07ff", "\u0800", "\ud7ff",
		"\ue000", "\ufffd", "\ufffe", "\uffff", "\ufeff", "\U00010000", "\U0001fffe",
		"\U0001ffff", "\U0010ffff", "a\u0300", "😀",
	}
	invalidTexts = []string{
		"κόσμε\xed\xa0\x80edited", "κόσμε\xf4\x90\x80\x80edited", "\x80", "\xbf", "\x80\xbf",
		"\xc0\x80", "\xc0\xaf", "\xc1\xbf", "\xc2 ", "\xdf", "\xe0\x80\x80", "\xe0\x80\xaf",
		"\xe0\x9f\xbf", "\xe1\x80", "\xe1\x80 ", "\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80",
		"\xed\xbf\xbf", "\xed\xa0\x80\xed\xb0\x80", "\xef\xbf", "\xf0\x80\x80\x80",
		"\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xf7\xbf\xbf\xbf", "\xf8\x88\x80\x80\x80", "\xfb\xbf\xbf\xbf\xbf",
		"\xfc\x84\x80\x80\x80\x80", "\xfd\xbf\xbf\xbf\xbf\xbf", "\xfe", "\xff",
		"\xfe\xfe\xff\xff", "a\xc3", "a\xe2\x82", "a\xf0\x9f\x98",
	}
)

// closeCases: sections 5.5.1 and 7.
func closeCases() []wireCase {
	long := strings.Repeat("r", 123)
	return []wireCase{
		{name: "7 close", sends: frames(0x88, ""), gets: []string{`close ""`}},
		{name: "7 close twice", sends: frames(0x88, closed(1000, ""), 0x88, closed(1001, "")),
			gets: []string{byeBack}},
		{name: "7 message, close", sends: frames(0x81, "hi", 0x88, closed(1000, "")),
			gets: []string{`text "hi"`, byeBack}},
		{name: "7 close, ping", sends: frames(0x88, closed(1000, ""), 0x89, "hi"),
			gets: []string{byeBack}},
		{name: "7 close, message", sends: frames(0x88, closed(1000, ""), 0x81, "hi"),
			gets: []string{byeBack}},
		{name: "7 close, nonsense", sends: append(frames(0x88, closed(1000, "")), "\xff\xff\xff"...),
			gets: []string{byeBack}},
		{name: "7 fragment, close, fragment", sends: frames(0x01, "h", 0x88, closed(1000, ""), 0x80, "i"),
			gets: []string{byeBack}},
		{name: "7 much, close, ping", gets: []string{"text of 262144", byeBack},
			sends: frames(0x81, strings.Repeat("x", 1<<18), 0x88, closed(1000, ""), 0x89, "hi")},
		failing("5.5.1 close of one byte", frames(0x88, "\x03"), 1002),
		{name: "5.5.1 reason", sends: frames(0x88, closed(1000, "hé")), gets: []string{byeBack}},
		{name: "5.5.1 reason of 123 bytes", sends: frames(0x88, closed(1000, long)),
			gets: []string{byeBack}},
		failing("5.5.1 reason of 124 bytes", frames(0x88, closed(1000, long+"r")), 1002),
		failing("5.5.1 reason that is not text", frames(0x88, closed(1000, "a\xff")), 1007),
		failing("5.5.1 reason cut in a letter", frames(0x88, closed(1000, "h\xc3")), 1007),
		failing("5.5.1 bad code and bad reason", frames(0x88, closed(999, "\xff")), 1002),
	}
}

// closeCodeCases: section 7.4, with the registry of RFC 6455, section 11.7.
func closeCodeCases() (all []wireCase) {
	good := []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999,
		4000, 4999}
	bad := []int{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 32768, 65535}
	for _, reason := range []string{"", "reason"} {
		for _, code := range good {
			all = append(all, wireCase{name: fmt.Sprintf("7.4 code %d %s", code, reason),
				sends: frames(0x88, closed(code, reason)), gets: []string{fmt.Sprintf("close %d %q", code,
					"")}})
		}
		for _, code := range bad {
			all = append(all, failing(fmt.Sprintf("7.4 code %d %s", code, reason),
				frames(0x88, closed(code, reason)), 1002))
		}
	}
	return all
}
