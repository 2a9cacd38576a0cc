package worker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/options"
)

// Options of a Worker. The zero value is one message of each channel at a time,
// tried five times.
type Options struct {
	// Concurrency is how many messages of one channel are dealt with at once.
	// Default 1.
	Concurrency int

	// Attempts is how often a message is tried. Default 5; negative means until
	// it succeeds.
	Attempts int

	// Backoff is the pause after so many attempts, of which there was at least
	// one. Default: 100 ms, doubled each time up to 30 s, each half of it by
	// chance; that is also the pause if Backoff panics.
	Backoff func(attempts int) time.Duration

	// Capacity of each channel. Default: the layer's. A sender waits for room. Not for
	// messages of a queue.
	Capacity channel.Capacity

	// Grace is how long jobs may go on when Run is to end, before their contexts
	// end with the cause parley.ErrDraining. Default 10 s; negative means for as
	// long as they take.
	Grace time.Duration

	// Hold is for how long a queue leaves a message to a worker of which it hears
	// nothing, before it is another's. It hears of one that works. Default 30 s. Not
	// for messages of a layer.
	Hold time.Duration

	// DeadLetter is told of each message that has failed for good. It may be
	// called several times at once. Default: a line in the Logger.
	DeadLetter func(ctx context.Context, letter DeadLetter)

	// Logger is told of attempts that failed and are made again, of dead letters
	// if there is no DeadLetter, and of a DeadLetter or Backoff that panics.
	// Default slog.Default().
	Logger *slog.Logger
}

// withDefaults panics on mistakes in the wiring.
func (o Options) withDefaults() Options {
	o.Concurrency = options.Positive("worker: Options.Concurrency", o.Concurrency, 1)
	o.Attempts = options.Limit(o.Attempts, 5)
	o.Grace = options.Limit(o.Grace, 10*time.Second)
	o.Hold = options.Positive("worker: Options.Hold", o.Hold, 30*time.Second)
	if o.Backoff == nil {
		o.Backoff = backoff
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

func backoff(attempts int) time.Duration {
	half := min(100*time.Millisecond<<min(attempts-1, 16), 30*time.Second) / 2
	return half + rand.N(half)
}
