package channelsredis

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

func formats() map[string]*wire {
	return map[string]*wire{
		"msgpack": {format: MsgPack, max: 1 << 20},
		"json":    {format: JSON, max: 1 << 20},
		"encrypted": {format: MsgPack, noise: 12, keys: newKeys([]string{"k"}),
			life: time.Minute, max: 1 << 20},
	}
}

// TestMapping is the rules of the package comment, from a layer to another one. The dict
// is what Channels reads.
func TestMapping(t *testing.T) {
	for name, test := range map[string]struct {
		payload, dict string
		arrives       string // where it is not the payload
	}{
		"object":        {`{"line":"hi"}`, `{"type":"t","line":"hi"}`, ""},
		"with its type": {`{"line":"hi","type":"t"}`, `{"line":"hi","type":"t"}`, ""},
		"empty object":  {`{}`, `{"type":"t"}`, ""},
		"nested": {`{"a":{"b":[1,{"c":null}]},"d":true}`,
			`{"type":"t","a":{"b":[1,{"c":null}]},"d":true}`, ""},
		"large integers": {`{"n":9007199254740993,"m":-9223372036854775808}`,
			`{"type":"t","n":9007199254740993,"m":-9223372036854775808}`, ""},
		"unsigned": {`{"n":18446744073709551615}`, `{"type":"t","n":18446744073709551615}`, ""},
		"floats": {`{"f":1.5,"g":-2.0,"h":1e-7}`,
			`{"type":"t","f":1.5,"g":-2.0,"h":1e-07}`, `{"f":1.5,"g":-2.0,"h":1e-07}`},
		"spaces":          {" {\"a\" : 1}\n", `{"type":"t","a":1}`, `{"a":1}`},
		"last of a key":   {`{"a":1,"a":2}`, `{"type":"t","a":2}`, `{"a":2}`},
		"text":            {`hello`, `{"type":"t","text":"hello"}`, ""},
		"array":           {`[1,2]`, `{"type":"t","text":"[1,2]"}`, ""},
		"no JSON":         {`{oops`, `{"type":"t","text":"{oops"}`, ""},
		"nothing":         {``, `{"type":"t","text":""}`, ""},
		"text and member": {`{"text":"x"}`, `{"type":"t","text":"x"}`, ""},
	} {
		for format, w := range formats() {
			t.Run(name+"/"+format, func(t *testing.T) {
				message := channel.NewMessage("t", []byte(test.payload))
				dict, err := dictOf(channel.Parcel{Origin: "L1", Message: message})
				if err != nil {
					t.Fatal(err)
				}
				packed, err := w.encode(dict)
				if err != nil {
					t.Fatal(err)
				}
				p, err := w.decode(packed)
				if err != nil {
					t.Fatal(err)
				}
				want := test.arrives
				if want == "" {
					want = test.payload
				}
				got := string(p.message.Payload())
				if format == "json" { // which keeps numbers as they are written
					got = strings.ReplaceAll(got, "1e-7", "1e-07")
				}
				if p.origin != "L1" || p.message.Type() != "t" || got != want {
					t.Errorf("%s from %s: %s, want %s", p.message.Type(), p.origin, got, want)
				}
				text, err := appendJSON(nil, dict.unique())
				if err != nil || !same(t, string(text), test.dict) {
					t.Errorf("the dict is %s, %v; want %s", text, err, test.dict)
				}
			})
		}
	}
}

func TestBinary(t *testing.T) {
	for format, w := range formats() {
		message := channel.FromPrepared("t", parley.Prepare(parley.Binary([]byte{0, 255})))
		dict, err := dictOf(channel.Parcel{Origin: "L1", Message: message})
		if err != nil {
			t.Fatal(err)
		}
		packed, err := w.encode(dict)
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.decode(packed)
		kind, data := p.message.Send().Payload()
		if err != nil || kind != parley.BinaryMessage || string(data) != "\x00\xff" {
			t.Errorf("%s: %v %q, %v", format, kind, data, err)
		}
	}
}

// TestRefused: what Channels cannot be told is an error, and nothing is sent.
func TestRefused(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)
	for name, message := range map[string]channel.Message{
		"two types":       channel.NewMessage("t", []byte(`{"type":"other"}`)),
		"type no text":    channel.NewMessage("t", []byte(`{"type":1}`)),
		"reserved":        channel.NewMessage("t", []byte(`{"__asgi_channel__":"x"}`)),
		"large":           channel.NewMessage("t", []byte(`{"n":18446744073709551616}`)),
		"small":           channel.NewMessage("t", []byte(`{"n":-9223372036854775809}`)),
		"float too large": channel.NewMessage("t", []byte(`{"n":1e999}`)),
		"no UTF-8":        channel.NewMessage("t", []byte("\xff")),
	} {
		w := formats()["msgpack"]
		dict, err := dictOf(channel.Parcel{Origin: "L1", Message: message})
		if err == nil {
			_, err = w.encode(dict)
		}
		if !errors.Is(err, parley.ErrInvalidPayload) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dict, err := dictOf(channel.Parcel{Origin: "L1", Message: channel.NewMessage("t", []byte(deep))})
	if err != nil || len(dict) != 3 || dict[2].key != textKey { // it is text, as any other
		t.Errorf("a deep payload is %v, %v", dict, err)
	}
}

// TestFromDjango is how a dict of Channels arrives.
func TestFromDjango(t *testing.T) {
	for name, test := range map[string]struct {
		dict map[string]any
		want string // "" is refused
	}{
		"fields": {m{"type": "t", "a": 1}, `{"type":"t","a":1}`},
		"bytes":  {m{"type": "t", "b": []byte{0, 255}}, `{"type":"t","b":"AP8="}`},
		"None":   {m{"type": "t", "n": nil}, `{"type":"t","n":null}`},
		"large integers": {m{"type": "t", "n": uint64(math.MaxUint64)},
			`{"type":"t","n":18446744073709551615}`},
		"whole floats":   {m{"type": "t", "f": 2.0}, `{"type":"t","f":2.0}`},
		"foreign fields": {m{"type": "t", channelKey: "x!y"}, `{"type":"t"}`},
		"text alone":     {m{"type": "t", "text": "x"}, `{"type":"t","text":"x"}`},
		"no type":        {m{"a": 1}, ""},
		"type no text":   {m{"type": 1}, ""},
		"only a mark":    {m{"type": "!tL1"}, `{"type":"!tL1"}`},
		"no number":      {m{"type": "t", "f": math.NaN()}, ""},
		"infinite":       {m{"type": "t", "f": math.Inf(1)}, ""},
		"odd key":        {m{"type": "t", "a": map[int]int{1: 1}}, ""},
		"bad text":       {m{"type": "t", "a": "\xff"}, ""},
		"time":           {m{"type": "t", "a": time.Unix(1, 0)}, ""},
		"bad names":      {m{"type": "t", channelKey: []int{1}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			packed, err := msgpack.Marshal(test.dict)
			if err != nil {
				t.Fatal(err)
			}
			p, err := formats()["msgpack"].decode(packed)
			if name == "only a mark" { // which is no type that a layer takes
				if err == nil {
					t.Error("it was taken")
				}
				return
			}
			if (err == nil) != (test.want != "") {
				t.Fatalf("decoded: %v", err)
			}
			if err == nil && (p.origin != stranger || !same(t, string(p.message.Payload()), test.want)) {
				t.Errorf("%s: %s", p.origin, p.message.Payload())
			}
		})
	}
}

func TestBadMessages(t *testing.T) {
	deep := strings.Repeat("\x91", 5000) + "\x01"
	for _, packed := range []string{
		"", "\x01", "\x81", "\x81\xa4type", "\xdf\xff\xff\xff\xff", "\xdd\xff\xff\xff\xff",
		"\xdb\xff\xff\xff\xff",
		"\x81\xa4type\xa1t\x00", deep, "\x81\xa4type\xc1", "\x90", "\xc0",
	} {
		if _, err := formats()["msgpack"].decode([]byte(packed)); err == nil {
			t.Errorf("%.20q was taken", packed)
		}
	}
	for _, text := range []string{
		"", "{", "[]", "null", `{"type":"t"}x`, `{"type":"t","a":NaN}`, "{\"type\":\"\xff\"}",
		strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
	} {
		if _, err := formats()["json"].decode([]byte(text)); err == nil {
			t.Errorf("%.20q was taken", text)
		}
	}
	small := &wire{format: JSON, max: 10}
	if _, err := small.decode([]byte(`{"type":"long"}`)); err == nil {
		t.Error("a message that is too large was taken")
	}
}

// TestRotation: the first key encrypts, all decrypt, and no other.
func TestRotation(t *testing.T) {
	dict := object{{typeKey, "t"}}
	written := func(keys ...string) []byte {
		w := wire{noise: 12, keys: newKeys(keys)}
		packed, err := w.encode(dict)
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	w := wire{noise: 12, keys: newKeys([]string{"new", "old"}), life: time.Minute, max: 1 << 20}
	for name, test := range map[string]struct {
		packed []byte
		good   bool
	}{
		"new":     {written("new"), true},
		"old":     {written("old", "new"), true},
		"foreign": {written("other", "new"), false},
		"plain":   {written(), false},
		"short":   {[]byte("nnnnnnnnnnnn" + base64.URLEncoding.EncodeToString(make([]byte, 80))), false},
	} {
		if _, err := w.decode(test.packed); (err == nil) != test.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"\x82\xa4type\xa1t\xa1a\x01", "\x82\xa4type\xa4!tL1\xa4type\xa1t",
		`{"type":"t","a":[1,2.5,null]}`,
		`{"type":"!bL1","type":"t","bytes":"AP8="}`,
		"\xc6\xdb\x1f\x1f\x13", "\xdb\xff\xff\xff\xffa",
		"\xdd\xff\xff\xff\xff\xc0", "\xdf\xff\xff\xff\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		for name, w := range formats() {
			p, err := w.decode(packed)
			if err != nil {
				continue
			}
			dict, err := dictOf(channel.Parcel{Origin: "L1", Message: p.message})
			if err != nil {
				continue // such as a number that is JSON's alone
			}
			again, err := w.encode(dict)
			if err != nil {
				continue
			}
			q, err := w.decode(again)
			if err != nil || string(q.message.Payload()) != string(p.message.Payload()) {
				t.Errorf("%s: %q came back as %q, %v", name, p.message.Payload(), q.message.Payload(), err)
			}
		}
	})
}

// A length that nothing follows costs nothing.
func TestLengthsThatLie(t *testing.T) {
	for _, packed := range []string{
		"\xc6\xff\xff\xff\xffa", "\xdb\xff\xff\xff\xffa", "\xdd\xff\xff\xff\xff\xc0",
		"\xdf\xff\xff\xff\xff\xa1a\xc0", "\x81\xa1a\xc6\xff\xff\xff\xff",
		"\x81\xdb\xff\xff\xff\xff",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := parseMsgPack([]byte(packed))
		runtime.ReadMemStats(&after)
		if size := after.TotalAlloc - before.TotalAlloc; err == nil || size > 1<<20 {
			t.Errorf("%q: %v, and %d bytes were made for it", packed, err, size)
		}
	}
}

// So many members that to compare each with each would take minutes. Of those with one
// key the last counts.
func TestManyMembers(t *testing.T) {
	var payload strings.Builder
	payload.WriteString(`{"n0":"first"`)
	for i := range 300_000 {
		fmt.Fprintf(&payload, `,"n%d":%d`, i, i)
	}
	payload.WriteString("}")
	message := channel.NewMessage("t", []byte(payload.String()))
	dict, err := dictOf(channel.Parcel{Origin: "L1", Message: message})
	if err != nil || len(dict) != 300_002 { // with the mark and the type
		t.Fatalf("%d members, %v", len(dict), err)
	}
	w := wire{format: MsgPack, max: 16 << 20}
	packed, err := w.encode(dict)
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.decode(packed)
	got := string(p.message.Payload())
	if err != nil || !strings.HasPrefix(got, `{"n0":0,"n1":1,`) {
		t.Errorf("%.40q, %v", got, err)
	}
}

// The places are those that channels_redis.utils._consistent_hash gives.
func TestRing(t *testing.T) {
	for name, want := range map[string][3]int{
		"lobby": {0, 1, 1}, "room.42": {0, 0, 1}, "asgi__group__lobby": {1, 1, 2},
		"specific.abc!": {1, 2, 4},
	} {
		if got := [3]int{ring(name, 2), ring(name, 3), ring(name, 5)}; got != want || ring(name, 1) != 0 {
			t.Errorf("%s is at %v, want %v", name, got, want)
		}
	}
}

func TestSubjects(t *testing.T) {
	for subject, want := range map[string]address{
		"parley.group.lobby":             {group: "lobby"},
		"parley.group.a.channel.b":       {group: "a.channel.b"},
		"parley.channel.jobs":            {direct: "jobs"},
		"my.app.channel.inbox.ABCDEFGH!": {direct: "inbox.ABCDEFGH!"},
		"parley.channel.a.group.b":       {direct: "a.group.b"},
		"parley.layer.ABC":               {},
	} {
		if got := addressOf(subject); got != want {
			t.Errorf("%s is %+v", subject, got)
		}
	}
}

func TestLayersNames(t *testing.T) {
	for name, want := range map[string]bool{
		"inbox.ABCDEFGHIJKLMN27!": true, "my.inbox.ABCDEFGHIJKLMN27!XYZ": true, "jobs": false,
		"specific.0123456789abcdef0123456789abcdef!": false, "inbox.ABCDEFGHIJKLMN27": false,
	} {
		if got := layers(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
