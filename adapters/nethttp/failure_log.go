package nethttp

import (
	"context"
	"errors"
	"log/slog"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/logged"
	"github.com/parleygo/parley/internal/usercode"
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

// log writes a line. A handler of log records is the program's: what it does wrong
// ends nothing else.
func (g *Gateway) log(level slog.Level, text string, about ...any) {
	usercode.Run(func() error {
		g.options.Logger.Log(context.Background(), level, text, about...)
		return nil
	})
}
