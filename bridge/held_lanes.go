package bridge

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// When lanes run out, somebody may have forgotten to end a scope, or walk over iterators of several
// keys at once. The bridge can say which: a lane that rests keeps its thread for nothing, and knows
// where it was opened.

// patience is how long a lane waits for a thread, and another lane rests on one, before that is
// told. Until it is told again passes tellAgain. A report to a refused call stands for
// reportStands.
const (
	patience     = 10 * time.Second
	tellAgain    = time.Minute
	reportStands = time.Second
)

// callerOf returns where the function was called that is skip functions above the caller of
// callerOf.
func callerOf(skip int) uintptr {
	var pc [1]uintptr
	runtime.Callers(skip+2, pc[:])
	return pc[0]
}

// beginStarving puts l in the line for a thread.
func (l *Lane) beginStarving() {
	b := l.bridge
	l.state, l.since = laneStarving, time.Now()
	l.line.enter(b.lanes.starved, l)
	if b.lanes.patience == nil {
		b.lanes.patience = time.AfterFunc(patience, b.tellHeld)
	}
}

// endStarving takes l out of the line.
func (l *Lane) endStarving() {
	l.line.leave()
	l.since = time.Time{}
	if a := &l.bridge.lanes; a.starved.Len() == 0 && a.patience != nil {
		a.patience.Stop()
		a.patience = nil
	}
}

// tellHeld tells of lanes that keep a thread without using it, while others wait for one.
func (b *Bridge) tellHeld() {
	b.mu.Lock()
	defer b.unlock()
	if b.lanes.patience == nil {
		return // nobody waits any more
	}
	b.lanes.patience.Reset(tellAgain)
	now := time.Now()
	if held := b.held(now.Add(-patience)); len(held) > 0 {
		err := b.reportHeld(held, now)
		b.afterwards(func() { b.tell(err) })
	}
}

// held returns the lanes that have rested on their threads since then or longer, the longest first.
func (b *Bridge) held(then time.Time) []*Lane {
	var held []*Lane
	for l := range b.lanes.alive {
		kept := l.opened != 0 || l.keyed && l.walks > 0
		if kept && !l.since.IsZero() && l.queue.empty() && !l.since.After(then) {
			held = append(held, l)
		}
	}
	slices.SortFunc(held, func(a, b *Lane) int { return a.since.Compare(b.since) })
	return held
}

// noThread returns an [ErrNoThread] with what is known about who keeps the threads.
func (b *Bridge) noThread() error {
	now := time.Now()
	if b.lanes.report == nil || now.Sub(b.lanes.made) >= reportStands {
		b.lanes.report, b.lanes.made = b.reportHeld(b.held(now), now), now
	}
	return b.lanes.report
}

// holder says whose the lane is. The mutex is held, and so no key is asked what it is called.
func (l *Lane) holder() string {
	if l.opened == 0 {
		return "a keyed one, kept by a loop over an iterator,"
	}
	frame, _ := runtime.CallersFrames([]uintptr{l.opened}).Next()
	return fmt.Sprintf("the one opened at %s:%d", frame.File, frame.Line)
}

func (b *Bridge) reportHeld(held []*Lane, now time.Time) error {
	var text strings.Builder
	for i, l := range held {
		if i == 3 {
			fmt.Fprintf(&text, "; %d more", len(held)-i)
			break
		}
		fmt.Fprintf(&text, "; %s has not been used since %s, for %v",
			l.holder(), l.since.Format(time.DateTime), now.Sub(l.since).Round(time.Second))
	}
	if len(held) > 0 {
		text.WriteString(": is end called?")
	}
	return fmt.Errorf("%w: %d are alive%s", ErrNoThread, len(b.lanes.alive), text.String())
}
