package server

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

// lifespanApp is an app that takes part in nothing but the life of the process.
func lifespanApp(live func(ctx context.Context, conn parley.Conn) error) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if scope.Protocol != parley.Lifespan {
			return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
		}
		return live(ctx, conn)
	})
}

// answers receives a question for each event and sends it.
func answers(ctx context.Context, conn parley.Conn, events ...parley.Event) error {
	for _, event := range events {
		if _, err := conn.Receive(ctx); err != nil {
			return err
		}
		if err := conn.Send(ctx, event); err != nil {
			return err
		}
	}
	return nil
}

// TestLifespans: what an app may do with its conversation, and what Stop says of it.
func TestLifespans(t *testing.T) {
	ready, stopped := parley.LifespanStartupComplete{}, parley.LifespanShutdownComplete{}
	for _, test := range []struct {
		name string
		live func(ctx context.Context, conn parley.Conn) error
		want string // what Stop says
	}{
		{"in order", func(ctx context.Context, conn parley.Conn) error {
			return answers(ctx, conn, ready, stopped)
		}, ""},
		{"returns when it has started", func(ctx context.Context, conn parley.Conn) error {
			return answers(ctx, conn, ready)
		}, ""},
		{"fails to stop", func(ctx context.Context, conn parley.Conn) error {
			return answers(ctx, conn, ready, parley.LifespanShutdownFailed{Message: "a file is open"})
		}, "server: shutdown: a file is open"},
		{"does not answer", func(ctx context.Context, conn parley.Conn) error {
			if err := answers(ctx, conn, ready); err != nil {
				return err
			}
			_, err := conn.Receive(ctx)
			return err
		}, "server: shutdown: " + parley.ErrNotAnswered.Error()},
		{"returns an error", func(ctx context.Context, conn parley.Conn) error {
			if err := answers(ctx, conn, ready); err != nil {
				return err
			}
			conn.Receive(ctx)
			return errors.New("lost its way")
		}, "server: shutdown: lost its way"},
		{"panics", func(ctx context.Context, conn parley.Conn) error {
			if err := answers(ctx, conn, ready); err != nil {
				return err
			}
			conn.Receive(ctx)
			panic("boom")
		}, "boom"},
		{"answers twice", func(ctx context.Context, conn parley.Conn) error {
			if err := answers(ctx, conn, ready); err != nil {
				return err
			}
			var refusal *parley.ProtocolError
			if err := conn.Send(ctx, ready); !errors.As(err, &refusal) {
				return errors.New("a second answer is taken")
			}
			return answers(ctx, conn, stopped)
		}, ""},
		{"asks on", func(ctx context.Context, conn parley.Conn) error {
			if err := answers(ctx, conn, ready, stopped); err != nil {
				return err
			}
			_, err := conn.Receive(ctx) // ends when the server has gone
			return err
		}, ""},
		{"asks with an end of its own", func(ctx context.Context, conn parley.Conn) error {
			if _, err := conn.Receive(ctx); err != nil {
				return err
			}
			ended, cancel := context.WithCancelCause(ctx)
			cancel(io.ErrUnexpectedEOF)
			if _, err := conn.Receive(ended); err != io.ErrUnexpectedEOF {
				return errors.New("the context is not heard")
			}
			if err := conn.Send(ctx, ready); err != nil {
				return err
			}
			return answers(ctx, conn, stopped)
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := New(lifespanApp(test.live), quiet())
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := s.Stop(t.Context()); err != nil {
				got = err.Error()
			}
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("stop: %q, want %q", got, test.want)
			}
		})
	}
}
