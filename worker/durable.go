package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// ErrNeverEnded is the error of a dead letter whose last attempt did not end: the
// process died, or was cut off from the broker for too long.
var ErrNeverEnded = errors.New("worker: the attempt did not end")

// errNotOurs is the error of what no Queue has sent.
var errNotOurs = fmt.Errorf("worker: not sent by a Queue: %w", ErrReject)

// job is a message of a queue in the hands of this worker.
type job struct {
	channel.Held
	subject string
	letter  DeadLetter
}

// draw deals with messages of one channel of a queue, one after the other.
func (s *shift) draw(name channel.Name) error {
	subject := s.queue.subject(name)
	for failures := 1; ; {
		all, err := s.queue.jobs.Take(s.ctx, subject, 1, s.options.Hold)
		switch {
		case s.ctx.Err() != nil && len(all) == 0:
			return context.Cause(s.ctx)
		case errors.Is(err, channel.ErrClosed):
			return err
		case err != nil:
			s.log(slog.LevelWarn, "parley: no messages from the queue",
				DeadLetter{Channel: name, Attempts: failures}, err)
			s.rest(backoff(failures))
			failures++
			continue
		}
		failures = 1
		for _, held := range all {
			s.deliver(&job{held, subject, DeadLetter{Channel: name, Attempts: held.Takes - 1}})
		}
	}
}

// rest waits, but no longer than the shift lasts.
func (s *shift) rest(pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
	}
}

// deliver makes one attempt, and says to the broker what has become of it.
func (s *shift) deliver(j *job) {
	parcel, ours := channel.OpenParcel(j.Payload)
	j.letter.Message = parcel.Message
	switch {
	case !ours:
		j.letter.Err = errNotOurs
		s.lay(j)
		return
	case j.letter.Attempts >= s.options.Attempts:
		j.letter.Err = ErrNeverEnded
		s.lay(j)
		return
	case j.letter.Attempts > 0:
		s.count.retried.Add(1)
	}
	j.letter.Err = s.held(j)
	j.letter.Attempts++
	switch err := j.letter.Err; {
	case err == nil:
		if s.settle(j, s.done) {
			s.count.done.Add(1)
		}
	case s.working.Err() != nil:
		if s.settle(j, s.again(0)) {
			s.count.returned.Add(1)
		}
	case j.letter.Attempts >= s.options.Attempts, hopeless(err):
		s.lay(j)
	default:
		s.log(slog.LevelWarn, "parley: message failed, and is tried again", j.letter, err)
		s.settle(j, s.again(s.length(j.letter)))
	}
}

// held makes the attempt, and tells the broker every now and then that it goes on. Its
// ctx ends when the message is another worker's.
func (s *shift) held(j *job) error {
	ctx, cancel := context.WithCancelCause(s.working)
	defer cancel(parley.ErrFinished)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(max(s.options.Hold/3, 1))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			err := s.queue.jobs.Hold(ctx, j.subject, j.Held, s.options.Hold)
			if errors.Is(err, channel.ErrNotHeld) {
				cancel(err)
			}
		}
	}()
	err := s.attempt(ctx, &j.letter)
	cancel(parley.ErrFinished)
	<-stopped
	return err
}

// lay has a message be a dead letter: first where such are kept, and then gone from
// here. Of one that is kept is told though nobody answers whether it is gone.
func (s *shift) lay(j *job) {
	kept, keeps := dead(j.letter.Channel)
	laid := false
	buried := s.settle(j, func(ctx context.Context, j *job) error {
		if keeps {
			err := s.queue.jobs.Enqueue(ctx, s.queue.subject(kept), j.Payload)
			if err != nil {
				return err
			}
			keeps, laid = false, true // once is enough
		}
		return s.done(ctx, j)
	})
	if buried || laid {
		s.bury(j.letter)
	}
}

func (s *shift) done(ctx context.Context, j *job) error {
	return s.queue.jobs.Done(ctx, j.subject, j.Held)
}

func (s *shift) again(pause time.Duration) func(context.Context, *job) error {
	return func(ctx context.Context, j *job) error {
		return s.queue.jobs.Retry(ctx, j.subject, j.Held, pause)
	}
}

// settle tells the broker, for as long as the message is ours. If it cannot be told the
// message is another worker's later.
func (s *shift) settle(j *job, tell func(context.Context, *job) error) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.working), s.options.Hold)
	defer cancel()
	defer context.AfterFunc(s.ctx, func() { // it may not keep a process that is to end
		time.AfterFunc(giveBackTimeout, cancel)
	})()
	for failures := 1; ; failures++ {
		err := tell(ctx, j)
		if err == nil {
			return true
		}
		if errors.Is(err, channel.ErrNotHeld) || errors.Is(err, channel.ErrClosed) ||
			ctx.Err() != nil {
			s.log(slog.LevelWarn, "parley: the queue does not hear what became of a message",
				j.letter, err)
			return false
		}
		timer := time.NewTimer(backoff(failures))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}
