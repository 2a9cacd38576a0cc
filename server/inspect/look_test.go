package inspect

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/drain"
)

// crowd is many conversations.
type crowd []parley.Conversation

func (c crowd) Conversations() iter.Seq[parley.Conversation] {
	return func(yield func(parley.Conversation) bool) {
		for _, one := range c {
			if !yield(one) {
				return
			}
		}
	}
}

func (crowd) End(uint64, error) bool { return false }

func (c crowd) Endings() []parley.Ending {
	return []parley.Ending{{Conversation: c[0], Ended: time.Now(), Cause: parley.ErrIdle}}
}

func crowdOf(n int) *crowd {
	c := make(crowd, n)
	for i := range c {
		c[i] = parley.Conversation{
			ID: uint64(i + 1), Protocol: parley.WebSocket, Route: "/chat/{room}",
			Path: fmt.Sprint("/chat/", i), User: fmt.Sprint("user ", i*7919%n), Open: true,
			Begun: time.UnixMilli(int64(i * 7919 % n)), QueuedBytes: i * 7907 % n,
			BytesIn: uint64(i * 7901 % n), BytesOut: uint64(i * 7883 % n),
		}
	}
	return &c
}

// Of a crowd the page gets the first ones of the order it asks for, and counts all.
func TestOrders(t *testing.T) {
	const n = 5003 // a prime: each figure above comes once
	h := Handler(quiet(Options{Sources: []Source{crowdOf(n)}})).(*inspector)
	figures := map[string]func(r row) int{
		"age":   func(r row) int { return int(r.Begun) },
		"queue": func(r row) int { return -r.Waiting },
		"in":    func(r row) int { return -int(r.BytesIn) },
		"out":   func(r row) int { return -int(r.BytesOut) },
	}
	for name, figure := range figures {
		for _, reverse := range []string{"", "1"} {
			v := h.look(nil, wishOf(url.Values{"sort": {name}, "reverse": {reverse}}))
			if len(v.Rows) != maxRows || v.Live != n || v.Matching != n || len(v.Ends) != 1 {
				t.Fatalf("%d rows of %d, %d match, %d ends", len(v.Rows), v.Live, v.Matching, len(v.Ends))
			}
			for i, r := range v.Rows {
				want := figure(v.Rows[0]) + i
				if reverse != "" {
					want = figure(v.Rows[0]) - i
				}
				if figure(r) != want {
					t.Fatalf("%s, reverse %q: row %d has %d, want %d", name, reverse, i, figure(r), want)
				}
			}
		}
	}
	for search, want := range map[string]int{"/chat/4999": 1, "USER": n, "/chat/{": n, "nobody": 0} {
		for _, order := range []string{"route", "user", "", "nonsense"} {
			v := h.look(nil, wishOf(url.Values{"q": {search}, "sort": {order}}))
			if v.Matching != want || len(v.Rows) != min(want, maxRows) || v.Live != n {
				t.Errorf("%q: %d match, %d rows, want %d", search, v.Matching, len(v.Rows), want)
			}
		}
	}
}

// found is a source that the process's group has.
type found struct{ *crowd }

func (found) Drain(context.Context) error { return nil }

// What is listed and found is shown once, and the page's own gateway not at all.
func TestSourcesAreShownOnce(t *testing.T) {
	listed, other := found{crowdOf(1)}, found{crowdOf(1)}
	h := Handler(quiet(Options{Sources: []Source{listed}})).(*inspector)
	var group drain.Group
	for _, who := range []any{listed, other, h.stream, "something else"} {
		group.Join(who, listed)
	}
	if list := h.sources(&group); len(list) != 2 || list[0] != Source(listed) || list[1] != Source(other) {
		t.Errorf("%d sources: %v", len(list), list)
	}
	if list := h.sources(nil); len(list) != 1 {
		t.Errorf("%d sources without a process", len(list))
	}
}

// Anybody can knock, and fills no log.
func TestRefusalsAreToldSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		h := Handler(Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		for range 100 {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "http://localhost/", nil))
			time.Sleep(100 * time.Millisecond)
		}
		if n := strings.Count(log.String(), "not on this machine"); n != 10 {
			t.Errorf("told %d times in ten seconds", n)
		}
	})
}

// Samples are kept for five minutes, one a second, however many look on, and whatever the
// wall clock is set to meanwhile.
func TestSamples(t *testing.T) {
	var s samples
	for now := range int64(1000) {
		for viewer := range int64(3) {
			at := time.Duration(now)*time.Second + time.Duration(viewer)*time.Millisecond
			wall := now * 1000
			if now%50 == 49 {
				wall += (now%100 - 74) * 3600_000 // an hour and more back, and forward
			}
			s.add(sample{at: at, Now: wall})
		}
	}
	if list := s.since(0); len(list) != keptSamples || list[0].Now != 700_000 {
		t.Errorf("%d samples, from %d", len(list), list[0].Now)
	}
	if list := s.since(990 * time.Second); len(list) != 10 {
		t.Errorf("%d samples of the last ten seconds", len(list))
	}
	if list := s.since(1e6 * time.Second); len(list) != 0 {
		t.Errorf("%d samples of the future", len(list))
	}
}

func BenchmarkLook(b *testing.B) {
	h := Handler(quiet(Options{Sources: []Source{crowdOf(10_007)}})).(*inspector)
	for b.Loop() {
		h.look(nil, wishOf(nil))
	}
}
