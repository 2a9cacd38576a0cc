package channel

import (
	"context"
	"time"
)

// Jobs is a Transport that can also keep payloads until somebody has dealt with them.
// Work queues need one: see worker.NewQueue. Package channeltest proves it.
//
// A job is held by one taker at a time. When that says nothing of it for as long as it
// wanted to hold it, because its process has died for instance, it is another's to
// take: a job may be dealt with more than once, and is not lost.
type Jobs interface {
	// Enqueue keeps a job. When it has returned nil the job outlives its sender, and
	// as much as the broker's memory does.
	Enqueue(ctx context.Context, subject string, payload []byte) error

	// Take returns jobs that nobody holds, no more than limit and at least one, for
	// which it waits if it must. Those that were enqueued first come first, as far as
	// they are due. They are the caller's for so long.
	Take(ctx context.Context, subject string, limit int, hold time.Duration) ([]Held, error)

	// Hold has a job be the caller's for so long from now on.
	Hold(ctx context.Context, subject string, job Held, hold time.Duration) error

	// Done removes a job.
	Done(ctx context.Context, subject string, job Held) error

	// Retry lets go of a job, which is to be taken again after a pause.
	Retry(ctx context.Context, subject string, job Held, pause time.Duration) error
}

// Held is a job in the hands of who has taken it. Hold, Done and Retry of one that is
// another's by now, or done, change nothing and return ErrNotHeld; a broker that cannot
// tell may return nil.
type Held struct {
	ID      string // what the transport knows it by
	Takes   int    // how often it was taken, this time included
	Payload []byte
}
