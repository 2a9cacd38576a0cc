package nethttp

import (
	"context"
	"errors"
	"log/slog"

	"github.com/parleygo/parley"
)

// logFailure writes a line about an app that failed, with the stack if it panicked.
func (g *Gateway) logFailure(level slog.Level, err error, about ...any) {
	text := "parley: app failed"
	about = append(about, "error", err)
	if panicked := (*parley.PanicError)(nil); errors.As(err, &panicked) {
		text = "parley: app panicked"
		about = append(about, "stack", string(panicked.Stack))
	}
	g.options.Logger.Log(context.Background(), level, text, about...)
}
