// Package history is what was sent to a group, as data without locks, goroutines and
// clocks of its own: a Log within bounds, and an Order that makes a sequence of what
// arrives as it likes.
package history

import (
	"slices"
	"time"
)

// Bounds of a log. All are positive; what is over any of them goes.
type Bounds struct {
	Messages int
	Age      time.Duration
	Bytes    int
}

// Entry is one value in a log. Offsets begin with 1.
type Entry[T any] struct {
	Offset, Previous uint64
	Value            T
}

// Log keeps the newest values. Times are given by the caller, and never go back.
type Log[T any] struct {
	bounds Bounds
	kept   []kept[T]
	bytes  int
	last   uint64
	newest time.Time
}

type kept[T any] struct {
	value T
	size  int
	at    time.Time
}

// Append adds a value of this size, and returns its entry.
func (l *Log[T]) Append(value T, size int, now time.Time, bounds Bounds) Entry[T] {
	l.last++
	l.kept = append(l.kept, kept[T]{value, size, now})
	l.bytes += size
	l.bounds, l.newest = bounds, now
	l.Trim(now)
	return Entry[T]{l.last, l.last - 1, value}
}

// Trim lets go of what is too old, too much or too large. The newest value stays, if
// it is not too old.
func (l *Log[T]) Trim(now time.Time) {
	gone := 0
	for gone < len(l.kept) && l.over(gone, now) {
		l.bytes -= l.kept[gone].size
		l.kept[gone] = kept[T]{}
		gone++
	}
	l.kept = l.kept[gone:]
	if len(l.kept) == 0 {
		l.kept = nil
	} else if cap(l.kept) > 64 && len(l.kept) < cap(l.kept)/4 {
		l.kept = slices.Clip(slices.Clone(l.kept))
	}
}

// over reports whether the value at i, the oldest that is left, has to go.
func (l *Log[T]) over(i int, now time.Time) bool {
	if now.Sub(l.kept[i].at) >= l.bounds.Age {
		return true
	}
	left := len(l.kept) - i
	return left > 1 && (left > l.bounds.Messages || l.bytes > l.bounds.Bytes)
}

// Bounds returns the offsets of the oldest and the newest value; first is more than
// last if nothing is kept.
func (l *Log[T]) Bounds() (first, last uint64) {
	return l.last - uint64(len(l.kept)) + 1, l.last
}

// Since returns no more than limit entries behind an offset, the oldest first.
func (l *Log[T]) Since(after uint64, limit int) []Entry[T] {
	first, last := l.Bounds()
	from := max(after+1, first)
	if after >= last || limit <= 0 {
		return nil
	}
	count := min(last-from+1, uint64(limit))
	entries := make([]Entry[T], 0, count)
	for offset := from; offset < from+count; offset++ {
		entries = append(entries, Entry[T]{offset, offset - 1, l.kept[offset-first].value})
	}
	return entries
}

// Idle returns for how long nothing was appended.
func (l *Log[T]) Idle(now time.Time) time.Duration { return now.Sub(l.newest) }
