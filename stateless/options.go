package stateless

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/protocol"
)

// ErrEvicted ends an instance whose place another one needs. It is the cause of its ctx and
// of the parley.ChannelDisconnect it receives. It matches parley.ErrOverloaded.
var ErrEvicted = fmt.Errorf("stateless: evicted: %w", parley.ErrOverloaded)

// ErrFull reports an event for an instance for which Options.Queue of them wait already. It
// matches parley.ErrFull.
var ErrFull = fmt.Errorf("stateless: queue of the instance is full: %w", parley.ErrFull)

// ErrClosed reports an event for a Server that does not run. It matches parley.ErrClosed.
var ErrClosed = fmt.Errorf("stateless: server does not run: %w", parley.ErrClosed)

// Options of a Server.
type Options struct {
	// Max is how many instances are alive at once. For another one to begin, the least
	// recently used of those that wait for events has to go; if all are at work, one that is
	// done first. Default 1000; negative means no limit.
	Max int

	// Queue is how many events may wait for one instance. Default 100; negative means no
	// limit.
	Queue int

	// Send is given what an instance sends, with its name. It may be called for several
	// instances at once, and may deliver events to others. Default: nobody listens, and an
	// event is refused with a *parley.ProtocolError.
	Send func(ctx context.Context, name string, event parley.Event) error

	// Failed is told of each instance that failed, once and as it happens, unless somebody
	// waited for the event that it failed with; and of one that was stopped before it had
	// received all its events. Default: a line in the Logger.
	Failed func(name string, err error)

	// Logger is told of failures if there is no Failed, and of a Failed that panics. Default
	// slog.Default().
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Max = options.Limit(o.Max, 1000)
	o.Queue = options.Limit(o.Queue, 100)
	if o.Send == nil {
		o.Send = func(_ context.Context, _ string, event parley.Event) error {
			return protocol.RefuseOnChannel(event)
		}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}
