package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/usercode"
)

// ErrReject is what an app returns, or wraps, for a message that is not worth
// another attempt.
var ErrReject = errors.New("worker: message rejected")

// hopeless reports whether another attempt would end the same.
func hopeless(err error) bool {
	return errors.Is(err, ErrReject) || errors.Is(err, parley.ErrNotFound) ||
		errors.Is(err, errors.ErrUnsupported)
}

// try tries until it succeeds, there is no use, or the shift is over.
func (s *shift) try(letter DeadLetter) {
	for {
		letter.Err = s.attempt(s.working, &letter)
		letter.Attempts++
		switch {
		case letter.Err == nil:
			s.count.done.Add(1)
			return
		case letter.Attempts >= s.options.Attempts, hopeless(letter.Err), s.working.Err() != nil:
			s.bury(letter)
			return
		}
		s.log(slog.LevelWarn, "parley: message failed, and is tried again", letter, letter.Err)
		if !s.pause(letter) {
			s.giveBack(letter)
			return
		}
		s.count.retried.Add(1)
	}
}

// attempt serves the message once. The app has a goroutine of its own, so that
// its exit costs nothing but the attempt.
func (s *shift) attempt(ctx context.Context, letter *DeadLetter) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(parley.ErrFinished)
	scope := &parley.Scope{Protocol: parley.Channel, Channel: string(letter.Channel)}
	conn := &conversation{message: letter.Message, attempt: letter.Attempts}
	return usercode.Apart(func() error { return s.app.Serve(ctx, scope, conn) })
}

// length is that of the pause before the next attempt.
func (s *shift) length(letter DeadLetter) (pause time.Duration) {
	err := usercode.Apart(func() error {
		pause = s.options.Backoff(letter.Attempts)
		return nil
	})
	if err != nil {
		pause = backoff(letter.Attempts)
		s.log(slog.LevelError, "parley: Backoff failed", letter, err)
	}
	return pause
}

// pause reports whether the shift goes on after it.
func (s *shift) pause(letter DeadLetter) bool {
	timer := time.NewTimer(s.length(letter))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.retired:
		return false
	}
}
