package consumer

import (
	"context"

	"github.com/parleygo/parley"
)

type sessions struct{ app *App }

func (*sessions) len() int { return 0 }

type Fallback struct{}

func (f Fallback) withDefaults() Fallback { return f }

func (a *App) Close(ctx context.Context) error { return nil }

func (a *App) serveHTTP(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
}
