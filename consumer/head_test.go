package consumer

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// What is a message's type and id, and what has none.
func TestReadHead(t *testing.T) {
	for _, test := range []struct {
		message string
		typ     string
		id      uint64
		err     error
	}{
		{`{"type":"line"}`, "line", 0, nil},
		{` { "type" : "line" , "id" : 7 } `, "line", 7, nil},
		{`{"id":9007199254740991,"text":"\"id\":1,{","type":"line"}`, "line", maxID, nil},
		{`{"a":{"type":"inner","id":3},"b":[{"type":"x"}],"type":"outer"}`, "outer", 0, nil},
		{`{"a":"\\","type":"l"}`, "l", 0, nil},
		{`{"a":"\"","type":"l"}`, "l", 0, nil},
		{`{"\u0074ype":"lin\u0065","\u0069d":5}`, "line", 5, nil},
		{`{"Type":"other","type":"line","ID":4}`, "line", 0, nil},
		{`{"type":"ä€"}`, "ä€", 0, nil},

		{``, "", 0, errNoObject},
		{`null`, "", 0, errNoObject},
		{`["type","line"]`, "", 0, errNoObject},
		{`"type"`, "", 0, errNoObject},
		{`{"type":"line",}`, "", 0, errNoObject},
		{`{type:"line"}`, "", 0, errNoObject},
		{`{"type"`, "", 0, errNoObject},
		{`{"type":`, "", 0, errNoObject},
		{`{"`, "", 0, errNoObject},

		{`{}`, "", 0, errNoType},
		{`{"id":1}`, "", 0, errNoType},
		{`{"type":""}`, "", 0, errNoType},
		{`{"type":7}`, "", 0, errNoType},
		{`{"type":null}`, "", 0, errNoType},
		{`{"type":{"type":"line"}}`, "", 0, errNoType},
		{`{"type":"a","type":"b"}`, "", 0, errNoType},
		{`{"type":"a","typ\u0065":"b"}`, "", 0, errNoType},

		{`{"type":"line","id":0}`, "", 0, errNoID},
		{`{"type":"line","id":-1}`, "", 0, errNoID},
		{`{"type":"line","id":1.0}`, "", 0, errNoID},
		{`{"type":"line","id":1e3}`, "", 0, errNoID},
		{`{"type":"line","id":007}`, "", 0, errNoID},
		{`{"type":"line","id":"7"}`, "", 0, errNoID},
		{`{"type":"line","id":null}`, "", 0, errNoID},
		{`{"type":"line","id":9007199254740992}`, "", 0, errNoID},
		{`{"type":"line","id":18446744073709551617}`, "", 0, errNoID},
		{`{"type":"line","id":1,"id":1}`, "", 0, errNoID},
	} {
		got, err := readHead([]byte(test.message))
		if !errors.Is(err, test.err) || err == nil && (string(got.typ) != test.typ || got.id != test.id) {
			t.Errorf("%s: %q %d %v, want %q %d %v",
				test.message, got.typ, got.id, err, test.typ, test.id, test.err)
		}
	}
}

// FuzzReadHead holds the head of whatever is text and JSON to what encoding/json says of it.
func FuzzReadHead(f *testing.F) {
	for _, seed := range []string{
		`{"type":"line","id":7}`, `{"type":"a","x":[{"type":"b"},"}"],"id":1}`, `{"typ\u0065":"\ud800"}`,
		`{"a":"\\\"","type":"l"}`, `{"":0,"type":"t"}`, `{"type":"t"`, `{"id":0.1,"type":1}`, ` {} `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readHead(data)
		if !json.Valid(data) || !utf8.Valid(data) {
			return
		}
		want, wantErr := decodedHead(data)
		if (err == nil) != (wantErr == nil) || err == nil &&
			(!bytes.Equal(got.typ, want.typ) || got.id != want.id) {
			t.Errorf("%s: %q %d %v, want %q %d %v",
				data, got.typ, got.id, err, want.typ, want.id, wantErr)
		}
	})
}

// decodedHead is readHead by decoding all there is.
func decodedHead(data []byte) (h head, err error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if first, _ := decoder.Token(); first != json.Delim('{') {
		return h, errNoObject
	}
	for decoder.More() {
		key, _ := decoder.Token()
		var value any
		if err := decoder.Decode(&value); err != nil {
			return h, err
		}
		switch key {
		case "type":
			text, ok := value.(string)
			if !ok || h.typ != nil {
				return h, errNoType
			}
			h.typ = []byte(text)
		case "id":
			number, _ := value.(json.Number)
			id := parseID([]byte(number))
			if id == 0 || h.id != 0 {
				return h, errNoID
			}
			h.id = id
		}
	}
	if len(h.typ) == 0 {
		return h, errNoType
	}
	return h, nil
}

// A message of one piece costs its head one look at each byte, whatever is in it, and
// no allocation.
func TestAllocHead(t *testing.T) {
	message := []byte(`{"type":"line","id":12,"text":"` + strings.Repeat("x", 1000) + `"}`)
	if got := testing.AllocsPerRun(100, func() { _, _ = readHead(message) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkReadHead(b *testing.B) {
	for name, message := range map[string]string{
		"short":   `{"type":"line","text":"hello, everybody"}`,
		"long":    `{"type":"line","text":"` + strings.Repeat("x", 1<<20) + `"}`,
		"escaped": `{"type":"line","text":"` + strings.Repeat(`\\`, 1<<19) + `"}`,
		"deep": `{"type":"line","text":` + strings.Repeat("[", 1<<19) +
			strings.Repeat("]", 1<<19) + `}`,
	} {
		b.Run(name, func(b *testing.B) {
			data := []byte(message)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := readHead(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
