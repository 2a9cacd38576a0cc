package overevents

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

func server(first byte, payload string) string {
	return string([]byte{first, byte(len(payload))}) + payload
}

func TestFramesOfAHandler(t *testing.T) {
	long := strings.Repeat("x", 70_000)
	for _, c := range []struct {
		name  string
		wire  string
		op    opcode
		want  string
		err   error
		pings []string
	}{
		{"text", server(0x81, "hi"), opText, "hi", nil, nil},
		{"binary", server(0x82, "hi"), opBinary, "hi", nil, nil},
		{"nothing in it", server(0x81, ""), opText, "", nil, nil},
		{"fragments", server(0x01, "a") + server(0x00, "b") + server(0x80, "c"), opText, "abc", nil, nil},
		{"a ping in between",
			server(0x01, "a") + server(0x89, "p") + server(0x8a, "q") + server(0x80, "c"),
			opText, "ac", nil, []string{"p"}},
		{"two bytes of length", "\x81\x7e\x00\xc8" + long[:200], opText, long[:200], nil, nil},
		{"eight bytes of length",
			"\x81\x7f\x00\x00\x00\x00\x00\x01\x11\x70" + long, opText, long, nil, nil},
		{"masked", "\x81\x82\x01\x02\x03\x04" + string([]byte{'h' ^ 1, 'i' ^ 2}), opText, "hi", nil, nil},
		{"close", server(0x88, "\x03\xe8bye"), opClose, "\x03\xe8bye", nil, nil},
		{"the end", "", 0, "", io.EOF, nil},
		{"the end in a head", "\x81", 0, "", io.ErrUnexpectedEOF, nil},
		{"the end in a length", "\x81\x7f\x00", 0, "", io.ErrUnexpectedEOF, nil},
		{"the end in a payload", "\x81\x05hi", 0, "", io.ErrUnexpectedEOF, nil},
		{"an extension", server(0xc1, "hi"), 0, "", errBadFrame, nil},
		{"no such opcode", server(0x83, "hi"), 0, "", errBadFrame, nil},
		{"no such control", server(0x8b, "hi"), 0, "", errBadFrame, nil},
		{"a ping in pieces", server(0x09, "hi"), 0, "", errBadFrame, nil},
		{"a ping that is too long", "\x89\x7e\x00\xc8" + long[:200], 0, "", errBadFrame, nil},
		{"the end of nothing", server(0x80, "hi"), 0, "", errBadFrame, nil},
		{"a message in a message", server(0x01, "a") + server(0x81, "b"), 0, "", errBadFrame, nil},
		{"a length below zero", "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 0, "", errBadFrame, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var pings []string
			reader := frameReader{r: strings.NewReader(c.wire)}
			op, payload, err := reader.next(func(p []byte) { pings = append(pings, string(p)) })
			if op != c.op || string(payload) != c.want || !errors.Is(err, c.err) ||
				!slices.Equal(pings, c.pings) {
				t.Errorf("got %d %.20q, %v, pings %q", op, payload, err, pings)
			}
		})
	}
}

// FuzzFrames: whatever a handler writes is read, or refused, and holds no more memory
// than has come.
func FuzzFrames(f *testing.F) {
	f.Add([]byte(server(0x01, "a")+server(0x89, "p")+server(0x80, "c")), uint16(3))
	f.Add([]byte("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), uint16(0))
	f.Fuzz(func(t *testing.T, wire []byte, size uint16) {
		reader := frameReader{r: bytes.NewReader(wire)}
		for sum := 0; ; {
			_, payload, err := reader.next(func(p []byte) { sum += len(p) })
			if sum += len(payload); sum > len(wire) {
				t.Fatalf("%d bytes of %d", sum, len(wire))
			}
			if err != nil {
				break
			}
		}
		sent := bytes.Repeat([]byte{'x'}, int(size))
		var written bytes.Buffer
		writer := frameWriter{w: &written}
		if err := writer.frame(opBinary, sent); err != nil {
			t.Fatal(err)
		}
		reader = frameReader{r: &written}
		op, got, err := reader.next(nil)
		if err != nil || op != opBinary || !bytes.Equal(got, sent) || written.Len() != 0 {
			t.Fatalf("%d bytes came back as %d, %v", size, len(got), err)
		}
	})
}

func TestCloseFrames(t *testing.T) {
	for _, c := range []struct {
		payload string
		code    parley.CloseCode
		reason  string
		err     error
	}{
		{"", parley.CloseNormal, "", nil},
		{"\x0f\xa1why", 4001, "why", nil},
		{"\x0f", 0, "", errBadFrame},
	} {
		code, reason, err := parseClose([]byte(c.payload))
		if code != c.code || reason != c.reason || err != c.err {
			t.Errorf("%q: %d %q, %v", c.payload, code, reason, err)
		}
	}
	if got := closePayload(parley.CloseNoStatus, ""); got != nil {
		t.Errorf("no code is written as %q", got)
	}
}
