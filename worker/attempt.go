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
		letter.Err = s.attempt(&letter)
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
func (s *shift) attempt(letter *DeadLetter) error {
	ctx, cancel := context.WithCancelCause(s.working)
	defer cancel(parley.ErrFinished)
	scope := &parley.Scope{Protocol: parley.Channel, Channel: string(letter.Channel)}
	conn := &conversation{message: letter.Message, attempt: letter.Attempts}
	return usercode.Apart(func() error { return s.app.Serve(ctx, scope, conn) })
}

// pause reports whether the shift goes on after it.
func (s *shift) pause(letter DeadLetter) bool {
	var length time.Duration
	err := usercode.Apart(func() error {
		length = s.options.Backoff(letter.Attempts)
		return nil
	})
	if err != nil {
		length = backoff(letter.Attempts)
		s.log(slog.LevelError, "parley: Backoff failed", letter, err)
	}
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.retired:
		return false
	}
}
