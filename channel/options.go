package channel

import (
	"fmt"
	"log/slog"
	"path"
	"strings"
	"time"

	"github.com/parleygo/parley/internal/options"
)

// Options of a Layer. The zero value is an in-process layer with the defaults
// below. For numbers the rule of package parley holds: zero is the default,
// negative is no limit.
type Options struct {
	// Transport carries messages to the layers of other processes. The layer
	// owns it and closes it. Nil means that this layer is alone.
	Transport Transport

	// Namespace is the first part of every subject of the transport, so that
	// several systems can share a broker. It follows the rules of a group name, and none
	// of its parts between dots but the first is "group", "channel" or "layer": a system
	// "a.group.b" would share the groups "b.…" of the system "a". Default "parley".
	Namespace string

	// Capacity of an inbox that no rule and no option of its own says more
	// about. Default 256 messages and 1 MiB of payload.
	Capacity Capacity

	// Rules give inboxes a capacity by name. The first rule that matches holds.
	Rules []Rule

	// History has groups kept by name, so that who was away can read what was sent
	// meanwhile: see Inbox.Resume. The first rule that matches holds. Without a
	// Transport the log is in memory; a Transport must be a Log. Layers that reach
	// each other have the same rules: a group that one of them does not keep is two
	// groups, and where Keep differs each append has the sender's. They tell each other
	// seldom, so that a mismatch is noticed, counted in LayerStats.Mismatches and logged,
	// if perhaps not at once.
	History []HistoryRule

	// Expiry is the life of an unread message. Default 60 s; negative means for
	// ever. It is counted from the arrival in the inbox, and expired messages are
	// dropped when the inbox is next touched. It never touches membership.
	Expiry time.Duration

	// MaxMessage is the largest payload, in bytes. Default 1 MiB.
	MaxMessage int

	// OnDrop, if set, is told of every message that an inbox loses, except those
	// that Coalesce replaced. It is called without locks on the goroutine that
	// found out, possibly several at once, and must not block. A panic in it is
	// logged.
	OnDrop func(Drop)

	// Logger is told of functions that panic, and of errors that were the cause of
	// a kick in another process, where their text does not go. Nil means
	// slog.Default.
	Logger *slog.Logger
}

// Capacity bounds the unread messages of an inbox. Zero means the default,
// negative means no limit. An empty inbox takes a message of any size up to
// Options.MaxMessage.
type Capacity struct {
	Messages int
	Bytes    int // sum of the payloads
}

// Rule gives the inboxes whose name matches a pattern a capacity. A zero field
// leaves the default. Patterns are those of path.Match: "chat.*", "job-?".
type Rule struct {
	Pattern  string
	Capacity Capacity
}

const (
	defaultMessages  = 256
	defaultBytes     = 1 << 20
	defaultExpiry    = 60 * time.Second
	defaultNamespace = "parley"
)

// withDefaults panics on what can only be a mistake in the wiring.
func (o Options) withDefaults() Options {
	o.Capacity = o.Capacity.or(Capacity{defaultMessages, defaultBytes})
	o.Expiry = options.Limit(o.Expiry, defaultExpiry)
	o.MaxMessage = options.Limit(o.MaxMessage, defaultBytes)
	if o.Namespace == "" {
		o.Namespace = defaultNamespace
	}
	if !valid(o.Namespace) {
		panic(fmt.Sprintf("channel: Options.Namespace: %v", badName("namespace", o.Namespace)))
	}
	if inside(o.Namespace) {
		panic(fmt.Sprintf("channel: Options.Namespace: %q lies in another one", o.Namespace))
	}
	for i, rule := range o.Rules {
		if _, err := path.Match(rule.Pattern, ""); err != nil {
			panic(fmt.Sprintf("channel: Options.Rules[%d].Pattern: %q: %v", i, rule.Pattern, err))
		}
	}
	o.History = o.historyWithDefaults()
	return o
}

// inside reports whether subjects of a namespace can be those of another one.
func inside(namespace string) bool {
	_, rest, _ := strings.Cut(namespace, ".")
	for part := range strings.SplitSeq(rest, ".") {
		if part == "group" || part == "channel" || part == "layer" {
			return true
		}
	}
	return false
}

// logger is asked for when there is something to log: the default may change.
func (o *Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.Default()
	}
	return o.Logger
}

// capacity finds what holds for an inbox: its own wish, else the first rule
// that matches, else the layer's default.
func (o *Options) capacity(name Name, own Capacity) Capacity {
	for _, rule := range o.Rules {
		if matched, _ := path.Match(rule.Pattern, string(name)); matched {
			return own.or(rule.Capacity).or(o.Capacity)
		}
	}
	return own.or(o.Capacity)
}

// or fills in what c leaves open. "No limit" is the largest number there is.
func (c Capacity) or(fallback Capacity) Capacity {
	return Capacity{
		options.Limit(c.Messages, fallback.Messages),
		options.Limit(c.Bytes, fallback.Bytes),
	}
}
