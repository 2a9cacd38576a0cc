package channel

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/parleygo/parley/internal/options"
)

// HistoryRule has the groups whose names match a pattern kept: who was away can read
// what was sent meanwhile, see Inbox.Resume. Patterns are those of path.Match. A zero
// field of Keep is its default, a negative one is no bound.
type HistoryRule struct {
	Pattern string
	Keep    Keep
}

const (
	defaultKeptMessages = 1000
	defaultKeptAge      = 10 * time.Minute
	defaultKeptBytes    = 1 << 20
)

// historyWithDefaults panics on what can only be a mistake in the wiring.
func (o Options) historyWithDefaults() []HistoryRule {
	rules := make([]HistoryRule, len(o.History))
	for i, rule := range o.History {
		if _, err := path.Match(rule.Pattern, ""); err != nil {
			panic(fmt.Sprintf("channel: Options.History[%d].Pattern: %q: %v", i, rule.Pattern, err))
		}
		rules[i] = HistoryRule{rule.Pattern, Keep{
			options.Limit(rule.Keep.Messages, defaultKeptMessages),
			options.Limit(rule.Keep.Age, defaultKeptAge),
			options.Limit(rule.Keep.Bytes, defaultKeptBytes),
		}}
	}
	if _, keeps := o.Transport.(Log); len(rules) > 0 && o.Transport != nil && !keeps {
		panic(fmt.Sprintf("channel: Options.History: %T keeps no log", o.Transport))
	}
	return rules
}

// Keeps reports whether Options.History has a group kept.
func (l *Layer) Keeps(group Group) bool {
	_, kept := l.options.keep(group)
	return kept
}

// keep returns how a group is kept, if it is. The first rule that matches holds.
func (o *Options) keep(group Group) (Keep, bool) {
	for i := range o.History {
		if rule := &o.History[i]; rule.matches(string(group)) {
			return rule.Keep, true
		}
	}
	return Keep{}, false
}

// matches looks at the fixed beginning of the pattern first, which rules most groups
// out, and which is all there is to "room.*": no group's name has a slash.
func (r *HistoryRule) matches(group string) bool {
	fixed := len(r.Pattern)
	if i := strings.IndexAny(r.Pattern, `*?[\`); i >= 0 {
		fixed = i
	}
	if !strings.HasPrefix(group, r.Pattern[:fixed]) {
		return false
	}
	if r.Pattern[fixed:] == "*" {
		return true
	}
	matched, _ := path.Match(r.Pattern, group)
	return matched
}
