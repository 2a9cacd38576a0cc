package parleytest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

// lifespan answers start-up and shutdown with what it is given.
func lifespan(answers ...parley.Event) parley.App {
	return app(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		for _, answer := range answers {
			if _, err := conn.Receive(ctx); err != nil {
				return err
			}
			if err := conn.Send(ctx, answer); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestProcess(t *testing.T) {
	p := parleytest.Run(t, lifespan(parley.LifespanStartupComplete{},
		parley.LifespanShutdownComplete{}))
	if err := errors.Join(p.Startup(), p.Shutdown(), p.Wait()); err != nil {
		t.Error(err)
	}
}

func TestProcessFails(t *testing.T) {
	p := parleytest.Run(t, lifespan(parley.LifespanStartupFailed{Message: "no database"}))
	if err := p.Startup(); err == nil || !strings.Contains(err.Error(), "no database") {
		t.Error(err)
	}
	p = parleytest.Run(t, lifespan(parley.LifespanStartupComplete{},
		parley.LifespanShutdownFailed{Message: "no disk"}))
	if err := p.Startup(); err != nil {
		t.Error(err)
	}
	if err := p.Shutdown(); err == nil || !strings.Contains(err.Error(), "no disk") {
		t.Error(err)
	}
}

func TestProcessUnsupported(t *testing.T) {
	p := parleytest.Run(t, echo)
	if err := p.Startup(); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
	if err := p.Shutdown(); err != nil {
		t.Error(err)
	}
}

func TestProcessSilent(t *testing.T) {
	if err := parleytest.Run(t, lifespan()).Startup(); !errors.Is(err, parley.ErrNotAnswered) {
		t.Error(err)
	}
	p := parleytest.Run(t, lifespan(parley.LifespanStartupComplete{}))
	if err := p.Startup(); err != nil {
		t.Error(err)
	}
	if err := p.Shutdown(); !errors.Is(err, parley.ErrNotAnswered) {
		t.Error(err)
	}
}
