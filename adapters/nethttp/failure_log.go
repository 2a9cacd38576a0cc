package nethttp

import (
	"errors"
	"log/slog"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/logged"
)

// logFailure writes a line about an app that failed, with the stack if it panicked.
// What was logged on its way here is nothing new.
func (g *Gateway) logFailure(level slog.Level, err error, about ...any) {
	if logged.Is(err) {
		level = slog.LevelDebug
	}
	text := "parley: app failed"
	about = append(about, "error", err)
	if panicked := (*parley.PanicError)(nil); errors.As(err, &panicked) {
		text = "parley: app panicked"
		about = append(about, "stack", string(panicked.Stack))
	}
	g.log(level, text, about...)
}

// log writes a line.
func (g *Gateway) log(level slog.Level, text string, about ...any) {
	logged.Line(g.options.Logger, level, text, about...)
}
