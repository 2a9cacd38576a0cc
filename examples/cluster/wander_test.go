package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/parleygo/parley/internal/servicetest"
)

// TestWander: guests by all transports lose their connection again and again and come
// back to another process, one of which is killed. Each hears each line once, in order,
// and the others see each of its stays begin once and end once.
func TestWander(t *testing.T) {
	for name, args := range map[string]func(t *testing.T) []string{
		"embedded": func(*testing.T) []string { return nil },
		"nats": func(t *testing.T) []string {
			return []string{"-url", servicetest.StartNATS(t).URL}
		},
		"redis": func(t *testing.T) []string {
			return []string{"-transport", "redis", "-url", "redis://" + servicetest.StartRedis(t).Addr}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wander(t, processes(t, 3, args(t)...))
		})
	}
}

func wander(t *testing.T, servers []*process) {
	h := newHost(t, servers[0])
	h.says(10)
	var guests []*visitor
	for _, transport := range []string{"websocket", "sse", "poll"} {
		guests = append(guests, visit(t, transport, servers[0]))
	}
	all := func(do func(i int, v *visitor)) {
		for i, v := range guests {
			do(i, v)
		}
	}
	all(func(_ int, v *visitor) { v.hears(10) }) // what was said before they came
	h.sees("host", "poll", "sse", "websocket")
	const moves, lines = 12, 10
	for move := range moves {
		h.says(lines)
		all(func(i int, v *visitor) {
			v.hears(h.said - 1 - move%7) // in the middle of it, as a rule
			v.moves(servers[(move+i+1)%3])
		})
		h.says(lines)
	}
	all(func(_ int, v *visitor) {
		v.hears(h.said)
		v.moves(servers[2])
	})
	h.says(lines)
	all(func(_ int, v *visitor) { v.hears(h.said) }) // they are there
	servers[2].Kill()                                // -9
	all(func(i int, v *visitor) { v.proxy.Point(servers[i%2].addr) })
	h.says(lines)
	all(func(_ int, v *visitor) { v.hearsLast(h.said) })
	h.sees("host", "poll", "sse", "websocket")
	all(func(_ int, v *visitor) { v.heardAll(h.said, h.again) })

	// Who was away for longer than lines are kept is told so, and hears the rest.
	all(func(i int, v *visitor) {
		v.proxy.Cut()
		v.proxy.Point(servers[1-i%2].addr)
	})
	h.says(history[0].Keep.Messages + 20)
	all(func(_ int, v *visitor) { v.proxy.Heal() })
	all(func(_ int, v *visitor) {
		v.until("told of a gap", func() bool { return slices.Equal(v.gaps, []string{"trimmed"}) })
		v.hearsLast(h.said)
		t.Logf("%s: %d lines once each, opened %d times, gaps %q", v.name, len(v.heard), v.opens, v.gaps)
	})
	h.sees("host", "poll", "sse", "websocket")
	t.Logf("%d lines, %d stays", h.said, len(h.joined))
}

// hearsLast waits for the last of so many lines.
func (v *visitor) hearsLast(said int) {
	v.t.Helper()
	last := fmt.Sprint(said - 1)
	v.until("heard "+last, func() bool { return slices.Contains(v.heard, last) })
}

// heardAll checks that the visitor has heard each line once, in order, without a gap. Those
// that were said again it may have heard so often.
func (v *visitor) heardAll(said, again int) {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	lines := slices.Compact(slices.Clone(v.heard))
	for i, text := range lines {
		if text != fmt.Sprint(i) {
			v.t.Fatalf("%s: line %d is %q", v.name, i, text)
		}
	}
	if len(lines) != said || len(v.heard) > said+again || len(v.gaps) > 0 {
		v.t.Errorf("%s: %d lines of %d, gaps %q", v.name, len(v.heard), said, v.gaps)
	}
}
