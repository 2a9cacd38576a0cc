// Package logged writes the lines of the kit's log: each at the cost of nothing else,
// whatever the program's log handler does, and each failure once, however many on its way
// up would write it.
package logged

import (
	"context"
	"errors"
	"log/slog"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/usercode"
)

// Line writes a line, from whatever goroutine. A handler of log records is the
// program's: however it ends, nothing but the line is lost.
func Line(logger *slog.Logger, level slog.Level, text string, args ...any) {
	LineIn(context.Background(), logger, level, text, args...)
}

// LineIn is Line for handlers that look for values in a context, such as a trace.
func LineIn(
	ctx context.Context, logger *slog.Logger, level slog.Level, text string, args ...any,
) {
	_ = usercode.Apart(func() error {
		logger.Log(ctx, level, text, args...)
		return nil
	})
}

// Failure adds to what a line is about the error that it tells of, and where that was if
// it is a panic.
func Failure(about []any, err error) []any {
	about = append(about, "error", err)
	var panicked *parley.PanicError
	if errors.As(err, &panicked) {
		about = append(about, "stack", string(panicked.Stack))
	}
	return about
}

// Mark returns err as one that stands in the log already.
func Mark(err error) error { return logged{err} }

// Is reports whether err was logged, or what it wraps.
func Is(err error) bool {
	var marked logged
	return errors.As(err, &marked)
}

type logged struct{ error }

// Unwrap returns the failure.
func (l logged) Unwrap() error { return l.error }
