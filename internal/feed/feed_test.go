package feed_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/feed"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const window = 100

// carrier frames a message as it is and a line's end, and counts calls.
type carrier struct{ calls *atomic.Int64 }

func (carrier) Frame(p *parley.Prepared) []byte {
	return p.Frame("line", func(_ parley.MessageType, data []byte) []byte {
		return append(bytes.Clone(data), '\n')
	})
}
func (carrier) Window() int         { return window }
func (c carrier) Call(f *feed.Feed) { c.calls.Add(1) }

type table struct{}

func (table) Forwards(typ string) bool { return typ == "line" }

// reader remembers what it was given.
type reader struct {
	mu    sync.Mutex
	place *feed.Place
	got   strings.Builder
	count int
	bytes int
	left  int // messages, as the seat was told
}

func (r *reader) Carrier() feed.Carrier        { return nil }
func (r *reader) Take(feed.Reader) *feed.Place { return nil }
func (r *reader) Left(messages int)            { r.left += messages }
func (r *reader) Unfollow(*feed.Place)         { r.leave() }

func (r *reader) note(batch feed.Batch) {
	r.got.Write(batch.Frames)
	r.count += batch.Messages
	r.bytes += batch.Bytes
}

func (r *reader) CatchUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.place != nil {
		r.note(r.place.Take())
	}
}

func (r *reader) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.place != nil {
		r.note(r.place.Leave())
		r.place = nil
	}
}

func newFeed() (f *feed.Feed, mu *sync.Mutex, calls *atomic.Int64) {
	mu, calls = new(sync.Mutex), new(atomic.Int64)
	return feed.New(mu, feed.Kind{Carrier: carrier{calls}, Table: table{}}), mu, calls
}

// modelTest does the same random things to a feed and to strings.
type modelTest struct {
	feed    *feed.Feed
	mu      *sync.Mutex
	random  *rand.Rand
	readers [5]reader
	want    [5]strings.Builder
}

func (m *modelTest) step(number int) {
	r := &m.readers[m.random.IntN(len(m.readers))]
	switch m.random.IntN(6) {
	case 0:
		if r.place == nil {
			m.mu.Lock()
			defer m.mu.Unlock()
			r.place = m.feed.Join(r, r)
		}
	case 1:
		r.leave()
	case 2:
		r.CatchUp()
	case 3:
		m.feed.Walk()
	default:
		m.append(strings.Repeat(fmt.Sprint(number, " "), m.random.IntN(8)))
	}
}

func (m *modelTest) append(line string) {
	frame := m.feed.Frame("line", parley.Prepare(parley.Text(line)))
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.feed.HasRoom(frame) {
		return
	}
	m.feed.Append(frame, len(line))
	for i := range m.readers {
		if m.readers[i].place != nil {
			m.want[i].Write(frame)
		}
	}
}

// Readers that come and go at random get what was appended between, once and in
// order, and none is ever behind by more than the window.
func TestModel(t *testing.T) {
	for seed := range uint64(50) {
		m := &modelTest{random: rand.New(rand.NewPCG(seed, 0))}
		m.feed, m.mu, _ = newFeed()
		for number := range 500 {
			m.step(number)
			for i := range m.readers {
				if behind := m.want[i].Len() - m.readers[i].got.Len(); behind > window {
					t.Fatalf("seed %d: a reader is %d bytes behind", seed, behind)
				}
			}
		}
		for i := range m.readers {
			r, want := &m.readers[i], m.want[i].String()
			r.leave()
			lines := strings.Count(want, "\n")
			if got := r.got.String(); got != want || r.count != lines || r.left != lines ||
				r.bytes != len(want)-lines {
				t.Fatalf("seed %d: got %q, want %q; %d and %d messages of %d bytes", seed, got, want,
					r.count, r.left, r.bytes)
			}
		}
	}
}

// What is appended, walked and left at once is neither lost nor doubled.
func TestAtOnce(t *testing.T) {
	f, mu, _ := newFeed()
	const senders, each, members = 4, 60, 600
	readers := make([]reader, members)
	for i := range readers {
		readers[i].place = f.Join(&readers[i], &readers[i])
	}
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for i := range each {
				frame := f.Frame("line", parley.Prepare(parley.Text(fmt.Sprintf("%d:%03d", s, i))))
				mu.Lock()
				for !f.HasRoom(frame) {
					mu.Unlock()
					f.Walk()
					mu.Lock()
				}
				f.Append(frame, len(frame)-1)
				mu.Unlock()
			}
		})
	}
	all.Go(func() {
		for i := range members / 2 {
			readers[i].leave()
		}
	})
	all.Wait()
	f.Walk()
	for i := range readers {
		lines := strings.Fields(readers[i].got.String())
		if i >= members/2 && len(lines) != senders*each || len(lines) != readers[i].count {
			t.Fatalf("reader %d got %d messages of %d", i, len(lines), readers[i].count)
		}
		var next [senders]int
		for _, line := range lines {
			s := line[0] - '0'
			if want := fmt.Sprintf("%d:%03d", s, next[s]); line != want {
				t.Fatalf("reader %d: %s came, want %s", i, line, want)
			}
			next[s]++
		}
	}
}

func TestFrame(t *testing.T) {
	f, _, _ := newFeed()
	for name, row := range map[string]struct {
		typ     string
		message *parley.Prepared
		want    bool
	}{
		"forwarded":    {"line", parley.Prepare(parley.Text("x")), true},
		"of no bytes":  {"line", parley.Prepare(parley.Text("")), true},
		"handled":      {"other", parley.Prepare(parley.Text("x")), false},
		"no message":   {"line", nil, false},
		"not UTF-8":    {"line", parley.Prepare(parley.Text("\xff")), false},
		"just fits":    {"line", parley.Prepare(parley.Text(strings.Repeat("x", window-1))), true},
		"is too large": {"line", parley.Prepare(parley.Text(strings.Repeat("x", window))), false},
	} {
		if frame := f.Frame(row.typ, row.message); (frame != nil) != row.want {
			t.Errorf("%s: frame %q", name, frame)
		}
	}
}

// The carrier is called once, and again when a walk has been done and more comes.
func TestCalls(t *testing.T) {
	f, mu, calls := newFeed()
	var r reader
	r.place = f.Join(&r, &r)
	add := func() {
		mu.Lock()
		defer mu.Unlock()
		f.Append([]byte("x\n"), 1)
	}
	for round := range int64(3) {
		add()
		add()
		if f.Done() {
			t.Error("done before a walk")
		}
		if got := calls.Load(); got != round+1 {
			t.Errorf("called %d times in round %d", got, round)
		}
		f.Walk()
		if !f.Done() {
			t.Error("not done after a walk")
		}
	}
}

func TestTheContextTells(t *testing.T) {
	ctx := context.Background()
	if feed.From(ctx) != nil || feed.From(feed.With(ctx, nil)) != nil {
		t.Error("a member where there is none")
	}
}
