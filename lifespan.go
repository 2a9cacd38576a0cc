package parley

import (
	"context"
	"fmt"
	"time"
)

// LifespanHooks is an app for the life of a process: functions in place of
// events. Other protocols are refused with an *UnsupportedProtocolError. Beside
// other apps it stands in a router: it starts in its turn, and stops in reverse.
type LifespanHooks struct {
	// Startup is called before the server accepts its first connection. What it
	// publishes with Publish reaches every conversation. An error has the server
	// give up. nil does nothing.
	Startup func(ctx context.Context) error

	// Shutdown is called after the last connection has ended, if Startup has
	// succeeded. An error is logged. nil does nothing.
	Shutdown func(ctx context.Context) error

	// StartupTimeout and ShutdownTimeout bound the context of each. Default 30 s;
	// negative means no limit.
	StartupTimeout  time.Duration
	ShutdownTimeout time.Duration
}

// Serve serves the life of one process.
func (h LifespanHooks) Serve(ctx context.Context, scope *Scope, conn Conn) error {
	if scope.Protocol != Lifespan {
		return &UnsupportedProtocolError{Protocol: scope.Protocol}
	}
	for {
		event, err := conn.Receive(ctx)
		if err != nil {
			return err
		}
		switch event.(type) {
		case LifespanStartup:
			if err := bounded(ctx, h.StartupTimeout, h.Startup); err != nil {
				return conn.Send(ctx, LifespanStartupFailed{Message: err.Error()})
			}
			err = conn.Send(ctx, LifespanStartupComplete{})
		case LifespanShutdown:
			if err := bounded(ctx, h.ShutdownTimeout, h.Shutdown); err != nil {
				return conn.Send(ctx, LifespanShutdownFailed{Message: err.Error()})
			}
			return conn.Send(ctx, LifespanShutdownComplete{})
		default:
			err = Unexpected(event)
		}
		if err != nil {
			return err
		}
	}
}

const defaultHookTimeout = 30 * time.Second

// bounded calls a hook with a context of its own. A panic is an error: what was
// started before is stopped then.
func bounded(ctx context.Context, timeout time.Duration, hook func(context.Context) error) (err error) {
	if hook == nil {
		return nil
	}
	if timeout == 0 {
		timeout = defaultHookTimeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	defer func() {
		if recovered := recover(); recovered != nil {
			err = NewPanicError(recovered)
		}
	}()
	if err := hook(ctx); err != nil {
		return fmt.Errorf("lifespan hook: %w", err)
	}
	return nil
}
