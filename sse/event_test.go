package sse

import (
	"bufio"
	"errors"
	"strings"
	"testing"
	"time"
)

// B3.5: events as the WHATWG's grammar has them.
func TestAppendEvent(t *testing.T) {
	for _, test := range []struct {
		name  string
		event Event
		want  string
	}{
		{"data", Event{Data: "a"}, "data: a\n\n"},
		{"empty data is an event too", Event{}, "data: \n\n"},
		{"lines", Event{Data: "a\nb\r\nc\rd"}, "data: a\ndata: b\ndata: c\ndata: d\n\n"},
		{"line break at the end", Event{Data: "a\n"}, "data: a\ndata: \n\n"},
		{"nothing but breaks", Event{Data: "\n\r"}, "data: \ndata: \ndata: \n\n"},
		{"leading blank", Event{Data: " a"}, "data:  a\n\n"},
		{"looks like a field", Event{Data: "id: 1"}, "data: id: 1\n\n"},
		{
			"all", Event{ID: "7", Name: "tick", Data: "x", Retry: 1500 * time.Millisecond},
			"event: tick\nid: 7\nretry: 1500\ndata: x\n\n",
		},
	} {
		got, err := test.event.AppendText(nil)
		if string(got) != test.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", test.name, got, err, test.want)
		}
	}
	for _, bad := range []Event{
		{ID: "a\nb"}, {ID: "a\rb"}, {ID: "a\x00"}, {Name: "a\n"}, {Name: "a\rdata: x"},
	} {
		if got, err := bad.AppendText(nil); !errors.Is(err, ErrInvalidEvent) || len(got) != 0 {
			t.Errorf("%+v: %q, %v", bad, got, err)
		}
	}
	if got := string(AppendComment(nil, "a\nb")); got != ": a\n: b\n\n" {
		t.Errorf("comment %q", got)
	}
}

// FuzzAppendEvent: a client reads one event, and what was meant.
func FuzzAppendEvent(f *testing.F) {
	f.Add("1", "tick", "a\r\nb\n\rc", "hello")
	f.Add("", "", "", "a\n\ndata: forged\n\n")
	f.Add("a\nb", ":", "\n", "\r")
	f.Fuzz(func(t *testing.T, id, name, data, comment string) {
		wire, err := Event{ID: id, Name: name, Data: data}.AppendText(AppendComment(nil, comment))
		if err != nil {
			return
		}
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data)
		gotID, gotName, gotData, n := readEvents(string(wire))
		if gotID != id || gotName != name || gotData != want || n != 1 {
			t.Errorf("read %d events: %q, %q, %q of %q", n, gotID, gotName, gotData, wire)
		}
	})
}

// readEvents is a client's reading of a stream that has "\n" for line breaks, of
// which the writer makes sure.
func readEvents(wire string) (id, name, data string, n int) {
	lines := bufio.NewScanner(strings.NewReader(wire))
	lines.Buffer(nil, len(wire)+1)
	lines.Split(func(rest []byte, _ bool) (int, []byte, error) {
		if i := strings.IndexAny(string(rest), "\r\n"); i >= 0 {
			return i + 1, rest[:i], nil
		}
		return 0, nil, nil
	})
	var list []string
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "" && list != nil:
			data, list = strings.Join(list, "\n"), nil
			n++
		case field == "id":
			id = value
		case field == "event":
			name = value
		case field == "data":
			list = append(list, value)
		}
	}
	return id, name, data, n
}
