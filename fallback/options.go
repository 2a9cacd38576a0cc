package fallback

import (
	"log/slog"
	"time"
)

// Options of an App. Zero values are the defaults.
type Options struct {
	// Lease is how long a session waits for its client to come back, between
	// two polls or after a stream was lost. Then the app is told 1006.
	// Default 15 s.
	Lease time.Duration

	// PollTimeout is how long a poll without news is held. Default 25 s.
	PollTimeout time.Duration

	// Heartbeat is the silence after which a stream gets a comment. Default
	// 15 s.
	Heartbeat time.Duration

	// MaxSessions is how many there may be; more are answered with 503.
	// Default 10 000.
	MaxSessions int

	// MaxMessage bounds the body of a POST, in bytes; more is answered with
	// 413. Default 1 MiB.
	MaxMessage int64

	// QueueMessages and QueueBytes bound what waits for the client to fetch
	// it. Defaults 256 messages and 1 MiB.
	QueueMessages int
	QueueBytes    int

	// Logger is told of what goes wrong where no adapter sees it. Default
	// slog.Default(); a logger of slog.DiscardHandler is silent.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	setDefault(&o.Lease, 15*time.Second)
	setDefault(&o.PollTimeout, 25*time.Second)
	setDefault(&o.Heartbeat, 15*time.Second)
	setDefault(&o.MaxSessions, 10_000)
	setDefault(&o.MaxMessage, 1<<20)
	setDefault(&o.QueueMessages, 256)
	setDefault(&o.QueueBytes, 1<<20)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// setDefault gives a setting that is not positive its default.
func setDefault[T int | int64 | time.Duration](setting *T, value T) {
	if *setting <= 0 {
		*setting = value
	}
}
