package channeltest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
)

// plenty is a bound that no test of another reaches.
var plenty = channel.Keep{Messages: 1 << 20, Age: time.Hour, Bytes: 1 << 30}

func asLog(t *testing.T, transport channel.Transport) channel.Log {
	t.Helper()
	log, ok := transport.(channel.Log)
	if !ok {
		t.Fatalf("%T is no channel.Log any more", transport)
	}
	return log
}

func appendTo(
	t *testing.T, log channel.Log, subject string, keep channel.Keep, payloads ...string,
) (positions []channel.Position) {
	t.Helper()
	for _, payload := range payloads {
		p, err := log.Append(patient(t), subject, []byte(payload), keep)
		if err != nil {
			t.Fatalf("append: %v", err)
		}
		positions = append(positions, p)
	}
	return positions
}

func since(
	t *testing.T, log channel.Log, subject string, after channel.Position, limit int,
) channel.Past {
	t.Helper()
	past, err := log.Since(patient(t), subject, after, limit)
	if err != nil {
		t.Fatalf("since %v: %v", after, err)
	}
	if len(past.Entries) > limit {
		t.Fatalf("since: %d entries, limit %d", len(past.Entries), limit)
	}
	return past
}

// holds compares entries, which are one behind the other, with what was appended.
func holds(
	t *testing.T, entries []channel.Entry, previous uint64, positions []channel.Position, from int,
) {
	t.Helper()
	if len(entries) != len(positions) {
		t.Fatalf("%d entries, want %d", len(entries), len(positions))
	}
	for i, e := range entries {
		if e.Position != positions[i] || e.Previous != previous ||
			string(e.Payload) != fmt.Sprint(from+i) {
			t.Fatalf("entry %d: %v behind %d, %.20q; want %v behind %d", i, e.Position, e.Previous,
				e.Payload, positions[i], previous)
		}
		previous = e.Position.Offset
	}
}

func numbers(count int) (all []string) {
	for i := range count {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

func logReads(t *testing.T, connect func() channel.Transport) {
	a, b := asLog(t, connect()), asLog(t, connect())
	subject := unique("log")
	if past := since(t, a, subject, channel.Position{}, 10); past.Last != 0 || len(past.Entries) != 0 {
		t.Errorf("before the first: %+v", past)
	}
	at := appendTo(t, a, subject, plenty, numbers(10)...)
	appendTo(t, a, unique("other"), plenty, "x")
	holds(t, since(t, b, subject, channel.Position{}, 100).Entries, 0, at, 0)
	holds(t, since(t, b, subject, channel.Position{Epoch: at[0].Epoch}, 3).Entries, 0, at[:3], 0)
	holds(t, since(t, b, subject, at[4], 3).Entries, at[4].Offset, at[5:8], 5)
	holds(t, since(t, b, subject, at[9], 3).Entries, 0, nil, 0)
	past := since(t, b, subject, channel.Position{}, 0)
	if past.Epoch != at[0].Epoch || past.First != at[0].Offset || past.Last != at[9].Offset {
		t.Errorf("bounds: %+v, want %v to %v", past, at[0], at[9])
	}
	strange := since(t, b, subject, channel.Position{Epoch: "strange", Offset: 3}, 10)
	if strange.Epoch != at[0].Epoch || len(strange.Entries) != 0 {
		t.Errorf("another epoch: %+v", strange)
	}
	if p, err := channel.ParsePosition(at[3].String()); err != nil || p != at[3] {
		t.Errorf("position %q: %v, %v", at[3].String(), p, err)
	}
}

// What is appended comes to those who follow, and to nobody else; what is published
// does not come to them, and is not kept.
func logFollows(t *testing.T, connect func() channel.Transport) {
	a, b := connect(), connect()
	subject := unique("follow")
	appendTo(t, asLog(t, a), subject, plenty, "early")
	heard, _ := collect(t, b, subject)
	entries := make(chan channel.Entry, 10_000)
	sub, err := asLog(t, b).Follow(patient(t), subject, func(e channel.Entry) { entries <- e })
	if err != nil {
		t.Fatal(err)
	}
	publish(t, a, subject, "published")
	heard.want(t, "published")
	at := appendTo(t, asLog(t, a), subject, plenty, numbers(100)...)
	got := make([]channel.Entry, 0, 100)
	for range 100 {
		select {
		case e := <-entries:
			got = append(got, e)
		case <-patient(t).Done():
			t.Fatalf("%d of 100 came", len(got))
		}
	}
	all := since(t, asLog(t, b), subject, channel.Position{}, 1)
	holds(t, got, all.Entries[0].Position.Offset, at, 0)
	if err := sub.Unsubscribe(); err != nil {
		t.Error(err)
	}
	publish(t, a, subject, "end")
	heard.want(t, "end")
	if past := since(t, asLog(t, a), subject, channel.Position{}, 1000); len(past.Entries) != 101 {
		t.Errorf("%d are kept", len(past.Entries))
	}
}

func logBounds(t *testing.T, connect func() channel.Transport) {
	log := asLog(t, connect())
	for name, test := range map[string]struct {
		keep channel.Keep
		want int
	}{
		"messages": {channel.Keep{Messages: 3, Age: time.Hour, Bytes: 1 << 30}, 3},
		"bytes":    {channel.Keep{Messages: 1 << 20, Age: time.Hour, Bytes: 5}, 5},
		"one only": {channel.Keep{Messages: 1, Age: time.Hour, Bytes: 1}, 1},
	} {
		subject := unique("bounds")
		at := appendTo(t, log, subject, test.keep, numbers(10)...)
		past := since(t, log, subject, channel.Position{}, 100)
		if len(past.Entries) != test.want {
			t.Fatalf("%s: %d are kept, want %d", name, len(past.Entries), test.want)
		}
		from := 10 - test.want
		holds(t, past.Entries, at[from-1].Offset, at[from:], from)
		if past.First != at[from].Offset || past.Last != at[9].Offset {
			t.Errorf("%s: %d to %d", name, past.First, past.Last)
		}
	}
	subject := unique("large")
	tight := channel.Keep{Messages: 10, Age: time.Hour, Bytes: 10}
	appendTo(t, log, subject, tight, "1", strings.Repeat("x", 1<<20), "2", strings.Repeat("y", 100))
	past := since(t, log, subject, channel.Position{}, 100)
	if len(past.Entries) != 1 || len(past.Entries[0].Payload) != 100 {
		t.Errorf("larger than the bound: %d are kept", len(past.Entries))
	}
}

func logAges(t *testing.T, connect func() channel.Transport) {
	log, subject := asLog(t, connect()), unique("age")
	keep := channel.Keep{Messages: 100, Age: 3 * time.Second, Bytes: 1 << 20}
	at := appendTo(t, log, subject, keep, "0")
	for n := 1; ; n++ {
		eventually(t, "the entry is too old", func() bool {
			return len(since(t, log, subject, channel.Position{}, 10).Entries) == 0
		})
		began := time.Now()
		at = append(at, appendTo(t, log, subject, keep, fmt.Sprint(n))...)
		if at[n-1].Epoch != at[n].Epoch {
			return // the log has forgotten that there was one, and says so
		}
		entries := since(t, log, subject, channel.Position{}, 10).Entries
		if time.Since(began) < keep.Age { // else it may be too old by now
			holds(t, entries, at[n-1].Offset, at[n:], n)
			return
		}
	}
}

func logContext(t *testing.T, connect func() channel.Transport) {
	transport := connect()
	log, subject := asLog(t, transport), unique("over")
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := log.Append(over, subject, nil, plenty); !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v", err)
	}
	if _, err := log.Since(over, subject, channel.Position{}, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("since: %v", err)
	}
	if _, err := log.Follow(over, subject, func(channel.Entry) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("follow: %v", err)
	}
	appendTo(t, log, subject, plenty, "still works")
	if err := transport.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(patient(t), subject, nil, plenty); err == nil {
		t.Error("append after close: no error")
	}
	if _, err := log.Follow(patient(t), subject, func(channel.Entry) {}); err == nil {
		t.Error("follow after close: no error")
	}
	if _, err := log.Since(patient(t), subject, channel.Position{}, 1); err == nil {
		t.Error("since after close: no error")
	}
}
