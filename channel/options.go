package channel

import (
	"path"
	"time"
)

// Options of a Layer. The zero value is an in-process layer with the defaults
// below.
type Options struct {
	// Transport carries messages to the layers of other processes. The layer
	// owns it and closes it. Nil means that this layer is alone.
	Transport Transport

	// Namespace is the first part of every subject of the transport, so that
	// several systems can share a broker. It follows the rules of a group name.
	// Default "parley".
	Namespace string

	// Capacity of an inbox that no rule and no option of its own says more
	// about. Default 256 messages and 1 MiB of payload.
	Capacity Capacity

	// Rules give inboxes a capacity by name. The first rule that matches holds.
	Rules []Rule

	// Expiry is the life of an unread message. Default 60 s; negative means for
	// ever. It is counted from the arrival in the inbox, and expired messages are
	// dropped when the inbox is next touched. It never touches membership.
	Expiry time.Duration

	// MaxMessage is the largest payload, in bytes. Default 1 MiB.
	MaxMessage int

	// OnDrop, if set, is told of every message that an inbox loses, except those
	// that Coalesce replaced. It is called without locks on the goroutine that
	// found out, possibly several at once, and must neither block nor panic.
	OnDrop func(Drop)
}

// Capacity bounds the unread messages of an inbox. Zero means the default. An
// empty inbox takes a message of any size up to Options.MaxMessage.
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
	if o.Expiry == 0 {
		o.Expiry = defaultExpiry
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = defaultBytes
	}
	if o.Namespace == "" {
		o.Namespace = defaultNamespace
	}
	if !valid(o.Namespace) {
		panic(badName("namespace", o.Namespace))
	}
	for _, rule := range o.Rules {
		if _, err := path.Match(rule.Pattern, ""); err != nil {
			panic("channel: rule " + rule.Pattern + ": " + err.Error())
		}
	}
	return o
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

func (c Capacity) or(fallback Capacity) Capacity {
	if c.Messages <= 0 {
		c.Messages = fallback.Messages
	}
	if c.Bytes <= 0 {
		c.Bytes = fallback.Bytes
	}
	return c
}
