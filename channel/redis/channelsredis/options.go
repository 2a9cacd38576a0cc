package channelsredis

import (
	"errors"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/options"
)

// Options are what CHANNEL_LAYERS says, with channels_redis' names and defaults. All that
// is said there has to be said here too: nothing in Redis tells of it. For numbers the
// rule of package parley holds.
type Options struct {
	// Hosts are URIs: "redis://localhost:6379/0" (the default), "rediss://...",
	// "unix:///run/redis.sock", in the order that Django has them: which one a name lies
	// on depends on it.
	Hosts []string

	// Prefix is the first part of every key. Default "asgi".
	Prefix string

	// Format is how messages are written. Default MsgPack.
	Format Format

	// Keys are symmetric_encryption_keys: the first one encrypts, all decrypt. Those of
	// pub/sub are since channels_redis 4.2.1.
	Keys []string

	// RandomPrefix is random_prefix_length, the random bytes before a message that have
	// no two be the same, since channels_redis 4.2.1. Core only. Default 12; negative is
	// none.
	RandomPrefix int

	// Expiry is the life of a message that nobody reads. Core only. Default 60 s.
	Expiry time.Duration

	// GroupExpiry is the life of a membership that nobody renews. Core only. Default
	// 24 h. Those of a layer are renewed while it lives, and end within ten minutes if
	// its process dies, or GroupExpiry if that is shorter.
	GroupExpiry time.Duration

	// Capacity is how many messages wait for a process in Redis at most, and Rules give
	// it by names, as channel_capacity. Core only. Default 100.
	Capacity int
	Rules    []Rule

	// MaxMessage is how long a message may be as it lies in Redis, encrypted perhaps.
	// Default 4 MiB. channel.Options.MaxMessage bounds what is in it.
	MaxMessage int

	// OnFull, if set, is told of a group send that found no room in Redis for some
	// processes. Core only; of pub/sub nobody is told. It must not block.
	OnFull func(group channel.Group, processes int)

	// Configure, if set, is called for each host before it is dialed, and may set what
	// a URI cannot say: TLS, a sentinel, names.
	Configure func(*rueidis.ClientOption)

	// Logger is told when a host is lost and found. Nil means slog.Default.
	Logger *slog.Logger
}

// Rule gives names that match a pattern, which is one of path.Match, a capacity. The
// first rule that matches holds.
type Rule struct {
	Pattern  string
	Capacity int
}

// withDefaults panics on what can only be a mistake in the wiring.
func (o Options) withDefaults() Options {
	if len(o.Hosts) == 0 {
		o.Hosts = []string{"redis://localhost:6379"}
	}
	if o.Prefix == "" {
		o.Prefix = "asgi"
	}
	if o.Format < MsgPack || o.Format > JSON {
		panic(fmt.Sprintf("channelsredis: Options.Format: there is no format %d", o.Format))
	}
	for i, key := range o.Keys {
		if key == "" {
			panic(fmt.Sprintf("channelsredis: Options.Keys[%d]: is empty", i))
		}
	}
	for i, rule := range o.Rules {
		if _, err := path.Match(rule.Pattern, ""); err != nil {
			panic(fmt.Sprintf("channelsredis: Options.Rules[%d].Pattern: %q: %v", i, rule.Pattern, err))
		}
	}
	o.Expiry = options.Positive("channelsredis: Options.Expiry", o.Expiry, time.Minute)
	o.Expiry = max(o.Expiry, time.Second)
	o.GroupExpiry = options.Positive("channelsredis: Options.GroupExpiry", o.GroupExpiry, 24*time.Hour)
	o.GroupExpiry = max(o.GroupExpiry, time.Second)
	o.Capacity = options.Limit(o.Capacity, 100)
	switch {
	case o.RandomPrefix == 0:
		o.RandomPrefix = 12
	case o.RandomPrefix < 0:
		o.RandomPrefix = 0
	}
	o.MaxMessage = options.Limit(o.MaxMessage, 4<<20)
	return o
}

func (o *Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.Default()
	}
	return o.Logger
}

// capacity finds what holds for a name.
func (o *Options) capacity(name string) int {
	for _, rule := range o.Rules {
		if matched, _ := path.Match(rule.Pattern, name); matched {
			return options.Limit(rule.Capacity, o.Capacity)
		}
	}
	return o.Capacity
}

// dial makes a client for each host.
func (o *Options) dial() (clients []rueidis.Client, err error) {
	for _, host := range o.Hosts {
		option, err := rueidis.ParseURL(host)
		if err == nil {
			option.DisableCache = true
			if o.Configure != nil {
				o.Configure(&option)
			}
			var client rueidis.Client
			if client, err = rueidis.NewClient(option); err == nil {
				clients = append(clients, client)
				continue
			}
		}
		for _, client := range clients {
			client.Close()
		}
		return nil, fmt.Errorf("channelsredis: host %s: %w", withoutPassword(host), err)
	}
	return clients, nil
}

// withoutPassword leaves out what stands before the '@'.
func withoutPassword(uri string) string {
	scheme, rest, _ := strings.Cut(uri, "://")
	return scheme + "://" + rest[strings.LastIndexByte(rest, '@')+1:]
}

var errClosed = fmt.Errorf("channelsredis: %w", channel.ErrClosed)

var errNoQueue = fmt.Errorf(
	"channelsredis: general names, which pub/sub does not share out: %w", errors.ErrUnsupported)
