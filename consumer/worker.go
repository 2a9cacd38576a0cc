package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// Worker has an app deal with the messages sent to named channels, in the
// background and in this process: with layer.Send(ctx, "thumbnails", message).
// The app is often a router.Channels. Its fields are set before Run and not
// changed afterwards.
//
// Each message is a conversation of its own, in a scope whose Channel is the
// channel's name. The app is done with the message when it returns nil. Any
// other error, and a panic, has it served again after a pause, up to Attempts
// times in all. A message that an app rejects, or that no app is for, is not
// tried again. What has failed for good goes to DeadLetter.
//
// A message that waits for its next attempt keeps its place among the Concurrency
// of its channel: with the default of 1 the order is kept.
type Worker struct {
	Layer *channel.Layer
	App   parley.App
	Names []channel.Name // of the channels

	// Concurrency is how many messages of one channel are dealt with at once.
	// Default 1.
	Concurrency int

	// Attempts is how often a message is tried. Default 5.
	Attempts int

	// Backoff is the pause before the given attempt, which counts from 1.
	// Default: 100 ms, doubled each time up to 30 s, each half of it by chance.
	Backoff func(attempt int) time.Duration

	// Capacity of each channel. Default: the layer's. A sender waits for room.
	Capacity channel.Capacity

	// Grace is how long apps may go on when Run is to end, before their
	// contexts end. Default 10 s; negative means not at all.
	Grace time.Duration

	// DeadLetter is told of each message that has failed for good. It may be
	// called several times at once. Default: a line in the Logger.
	DeadLetter func(ctx context.Context, letter DeadLetter)

	// Logger is told of panics. Default slog.Default().
	Logger *slog.Logger

	count struct{ done, retried, dead atomic.Uint64 }
}

// DeadLetter is a message that nobody could deal with.
type DeadLetter struct {
	Channel  channel.Name
	Message  channel.Message
	Attempts int   // made
	Err      error // of the last one
}

// WorkerStats counts messages since the Worker was made.
type WorkerStats struct {
	Done    uint64 // dealt with
	Retried uint64 // attempts after the first
	Dead    uint64 // failed for good
}

// Stats returns the counts. It may be called at any time.
func (w *Worker) Stats() WorkerStats {
	return WorkerStats{w.count.done.Load(), w.count.retried.Load(), w.count.dead.Load()}
}

// Run opens the channels and works until ctx ends, or an inbox is closed by
// somebody else, whose error it returns; after ctx's end it returns nil.
// Messages that are unread then are discarded, and counted by the layer.
// Several workers may not share a channel's name.
func (w *Worker) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	working, end := w.graceful(ctx)
	defer end()
	var open []*channel.Inbox
	defer func() {
		for _, inbox := range open {
			inbox.Close()
		}
	}()
	for _, name := range w.Names {
		options := channel.InboxOptions{Name: name, Policy: channel.Block, Capacity: w.Capacity}
		inbox, err := w.Layer.Open(ctx, options)
		if err != nil {
			return err
		}
		open = append(open, inbox)
	}
	var busy sync.WaitGroup
	for _, inbox := range open {
		for range max(w.Concurrency, 1) {
			busy.Go(func() { cancel(w.work(ctx, working, inbox)) })
		}
	}
	busy.Wait()
	if errors.Is(context.Cause(ctx), channel.ErrClosed) {
		return context.Cause(ctx)
	}
	return nil
}

// graceful returns a context that ends some time after ctx.
func (w *Worker) graceful(ctx context.Context) (working context.Context, end func()) {
	working, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	grace := w.Grace
	if grace == 0 {
		grace = 10 * time.Second
	}
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(max(grace, 0)):
		case <-working.Done():
		}
		cancel(parley.ErrDraining)
	})
	return working, func() { stop(); cancel(parley.ErrFinished) }
}

// work deals with messages of one channel, one after the other.
func (w *Worker) work(ctx, working context.Context, inbox *channel.Inbox) error {
	for {
		message, err := inbox.Receive(ctx)
		if err != nil {
			return err
		}
		w.deal(ctx, working, DeadLetter{Channel: inbox.Name(), Message: message})
	}
}

// deal tries until it succeeds or there is no use.
func (w *Worker) deal(ctx, working context.Context, letter DeadLetter) {
	for {
		letter.Err = w.attempt(working, &letter)
		letter.Attempts++
		if letter.Err == nil {
			w.count.done.Add(1)
			return
		}
		if letter.Attempts >= w.attempts() || hopeless(letter.Err) || !pause(ctx, w.backoff(letter.Attempts)) {
			break
		}
		w.count.retried.Add(1)
	}
	w.count.dead.Add(1)
	if w.DeadLetter != nil {
		w.DeadLetter(context.WithoutCancel(working), letter)
		return
	}
	w.logger().Error("parley: message failed for good", "channel", letter.Channel,
		"type", letter.Message.Type(), "attempts", letter.Attempts, "error", letter.Err)
}

// attempt serves the message once.
func (w *Worker) attempt(ctx context.Context, letter *DeadLetter) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("%w: %v", parley.ErrAppPanic, value)
			w.logger().Error("parley: app panicked", "protocol", parley.Channel,
				"channel", letter.Channel, "panic", value, "stack", string(debug.Stack()))
		}
	}()
	scope := &parley.Scope{Protocol: parley.Channel, Channel: string(letter.Channel)}
	return w.App.Serve(ctx, scope, &workerConn{message: letter.Message, attempt: letter.Attempts})
}

// pause tells whether it was not cut short.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *Worker) attempts() int {
	if w.Attempts <= 0 {
		return 5
	}
	return w.Attempts
}

func (w *Worker) backoff(attempt int) time.Duration {
	if w.Backoff != nil {
		return w.Backoff(attempt)
	}
	half := min(100*time.Millisecond<<min(attempt-1, 16), 30*time.Second) / 2
	return half + rand.N(half)
}

func (w *Worker) logger() *slog.Logger {
	if w.Logger == nil {
		return slog.Default()
	}
	return w.Logger
}
