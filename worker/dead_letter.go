package worker

import (
	"context"
	"log/slog"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/logged"
	"github.com/parleygo/parley/internal/usercode"
)

// DeadLetter is a message that nobody could deal with.
type DeadLetter struct {
	Channel  channel.Name
	Message  channel.Message
	Attempts int   // made
	Err      error // of the last one; a *parley.PanicError if it panicked
}

// bury hands a message to whom dead letters are for.
func (s *shift) bury(letter DeadLetter) {
	s.count.dead.Add(1)
	if s.options.DeadLetter == nil {
		s.log(slog.LevelError, "parley: message failed for good", letter, letter.Err)
		return
	}
	ctx := context.WithoutCancel(s.working)
	err := usercode.Apart(func() error {
		s.options.DeadLetter(ctx, letter)
		return nil
	})
	if err != nil {
		s.log(slog.LevelError, "parley: DeadLetter failed", letter, err)
	}
}

// log writes the one line about a failure, with the stack if it was a panic. A logger
// that is broken costs its line.
func (w *Worker) log(level slog.Level, text string, letter DeadLetter, err error) {
	fields := []any{"channel", letter.Channel, "type", letter.Message.Type(),
		"attempts", letter.Attempts}
	logged.Line(w.options.Logger, level, text, logged.Failure(fields, err)...)
}
