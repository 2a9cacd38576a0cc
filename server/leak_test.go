package server

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

// TestC5HeedlessLifespan: the log names an app that does not go with its process.
// Stacks are looked for seldom, in the whole process: tests before may have had some.
func TestC5HeedlessLifespan(t *testing.T) {
	text := "not looked for"
	for strings.Contains(text, "not looked for") && !t.Failed() {
		text = stayOn(t)
	}
	for _, part := range []string{"outlives", "protocol=lifespan", "server.staysOn("} {
		if strings.Count(text, part) != 1 {
			t.Errorf("no %s in %s", part, text)
		}
	}
}

// stayOn stops a server whose app does not end, and returns what it logs of that.
func stayOn(t *testing.T) (text string) {
	leave, left := make(chan struct{}), make(chan struct{})
	app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		defer close(left)
		conn.Receive(ctx)
		conn.Send(ctx, parley.LifespanStartupComplete{})
		staysOn(leave)
		return nil
	})
	var log strings.Builder
	options := quiet()
	options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s := New(app, options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx); err == nil {
		t.Error("stopped in order")
	}
	text = log.String()
	if got := s.Stats().Leaked; got != 1 {
		t.Errorf("%d leaked", got)
	}
	close(leave)
	<-left
	return text
}

//go:noinline
func staysOn(leave chan struct{}) { <-leave }
