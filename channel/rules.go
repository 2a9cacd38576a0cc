package channel

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"time"
)

// Layers that reach each other have the same Options.History: one that does not keep a
// group hears nothing of what others append, and what it sends is in no log. So a layer
// that appends says now and then, to those who are in the group elsewhere, how it keeps
// it. Who hears of other rules than its own, or gets what should have been appended,
// counts it and logs it.

// rules is what a layer remembers of that.
type rules struct {
	said, logged atomic.Int64 // when, by the layer's clock, counted from 1
	mismatches   atomic.Uint64
}

// seldom is how often rules are told, and how often a mismatch is logged.
const seldom = time.Minute

// due reports whether it is time again.
func (l *Layer) due(last *atomic.Int64) bool {
	before, now := last.Load(), l.now()+1
	return (before == 0 || now-before >= int64(seldom)) && last.CompareAndSwap(before, now)
}

// tellRules tells how a group is kept, if that was not told for a while.
func (l *Layer) tellRules(ctx context.Context, group Group, keep Keep) {
	if !l.due(&l.rules.said) {
		return
	}
	payload, _ := json.Marshal(keep) // which has an encoding always
	e := envelope{kind: kindRules, target: string(group), message: NewMessage("rules", payload)}
	_ = l.publish(ctx, l.wire.group(group), e) // else another time
}

// hearRules compares the rules of another layer with those here. It returns false for
// what are none.
func (l *Layer) hearRules(e *envelope) bool {
	var theirs Keep
	if json.Unmarshal(e.message.Payload(), &theirs) != nil || theirs.Messages <= 0 {
		return false
	}
	if ours, _ := l.options.keep(Group(e.target)); ours != theirs {
		l.mismatch(e, theirs)
	}
	return true
}

// mismatch takes note of a group that another layer keeps in another way, or not at all,
// which is the zero Keep.
func (l *Layer) mismatch(e *envelope, theirs Keep) {
	l.rules.mismatches.Add(1)
	if !l.due(&l.rules.logged) {
		return
	}
	ours, _ := l.options.keep(Group(e.target))
	l.options.logger().LogAttrs(context.Background(), slog.LevelError,
		"channel: another layer has other rules of history", slog.String("group", e.target),
		slog.String("layer", e.origin), slog.Any("keeps", theirs), slog.Any("here", ours))
}
