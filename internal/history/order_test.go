package history_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parleygo/parley/internal/history"
)

type past = history.Past[string]

// logTest is a log that loses its memory and trims, and a wire that drops, doubles and
// mixes up what is appended.
type logTest struct {
	random *rand.Rand
	epoch  int
	log    history.Log[string]
	wire   []func(*history.Order[string]) []history.Step[string]
	order  history.Order[string]
	got    []history.Step[string]
}

func (l *logTest) name() string { return fmt.Sprint("e", l.epoch) }

func (l *logTest) append() {
	bounds := history.Bounds{Messages: 1 + l.random.IntN(30), Age: time.Hour, Bytes: 1 << 20}
	offset := uint64(1)
	if _, last := l.log.Bounds(); last > 0 {
		offset = last + 1
	}
	e := l.log.Append(fmt.Sprint(l.name(), ":", offset), 1, time.Unix(0, 0), bounds)
	epoch := l.name()
	for range []int{0, 1, 1, 1, 2}[l.random.IntN(5)] {
		l.wire = append(l.wire, func(o *history.Order[string]) []history.Step[string] {
			return o.Offer(epoch, e)
		})
	}
}

func (l *logTest) arrive() {
	if len(l.wire) == 0 {
		return
	}
	i := l.random.IntN(len(l.wire))
	l.got = append(l.got, l.wire[i](&l.order)...)
	l.wire = append(l.wire[:i], l.wire[i+1:]...)
}

func (l *logTest) since(epoch string, after uint64, limit int) past {
	_, last := l.log.Bounds()
	p := past{Epoch: l.name(), Last: last, Complete: true}
	if last == 0 && l.epoch%2 == 0 {
		p.Epoch = "" // a backend that has no epoch yet
	}
	if epoch == p.Epoch || epoch == "" && after == 0 {
		p.Entries = l.log.Since(after, limit)
		p.Complete = len(p.Entries) < limit
	}
	return p
}

func (l *logTest) fill(limit int, between func()) {
	epoch, after := l.order.Ask()
	p := l.since(epoch, after, limit)
	between()
	l.got = append(l.got, l.order.Fill(after, p)...)
}

func (l *logTest) step() {
	switch dice := l.random.IntN(100); {
	case dice < 40:
		l.append()
	case dice < 80:
		l.arrive()
	case dice < 81:
		l.epoch++
		l.log = history.Log[string]{}
	case dice < 82:
		l.order.Skip()
	default:
		l.fill(1+l.random.IntN(10), func() {
			for range l.random.IntN(4) {
				l.arrive()
			}
		})
	}
}

// check has each entry come once, behind the one before it or behind a gap.
func (l *logTest) check(t *testing.T, seed uint64) {
	epoch, last := "", uint64(0)
	seen := make(map[string]bool)
	for _, s := range l.got {
		if s.Gap == history.NoGap && seen[s.Entry.Value] {
			t.Fatalf("seed %d: %s twice", seed, s.Entry.Value)
		}
		seen[s.Entry.Value] = true
		if s.Gap != history.NoGap {
			if epoch != "" && s.Epoch == epoch && s.Entry.Offset <= last {
				t.Fatalf("seed %d: a gap without need: %+v behind %s:%d", seed, s, epoch, last)
			}
			epoch, last = s.Epoch, s.Entry.Offset
			continue
		}
		if epoch == "" && last == 0 {
			epoch = s.Epoch
		}
		if s.Epoch != epoch || s.Entry.Offset != last+1 ||
			s.Entry.Value != fmt.Sprint(epoch, ":", s.Entry.Offset) {
			t.Fatalf("seed %d: %+v behind %s:%d", seed, s, epoch, last)
		}
		last = s.Entry.Offset
	}
	_, end := l.log.Bounds()
	if last != end || end > 0 && epoch != l.name() {
		t.Fatalf("seed %d: ends at %s:%d, want %s:%d", seed, epoch, last, l.name(), end)
	}
}

// Whatever happens on the way: what comes out is the log, once and in order, and where
// something is missing there is a gap.
func TestOrderModel(t *testing.T) {
	for seed := range uint64(2000) {
		l := &logTest{random: rand.New(rand.NewPCG(seed, 1))}
		for range 300 {
			l.step()
		}
		for range 3 { // the last one finds nothing new
			for l.fill(5, func() {}); l.order.Missing(); l.fill(5, func() {}) {
			}
			for len(l.wire) > 0 {
				l.arrive()
			}
		}
		l.check(t, seed)
	}
}
