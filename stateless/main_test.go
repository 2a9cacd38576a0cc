package stateless_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/stateless"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errTest = errors.New("test")

// recorder notes what happens, in order.
type recorder struct {
	mu  sync.Mutex
	log []string
}

func (r *recorder) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, fmt.Sprintf(format, args...))
}

func (r *recorder) failed(name string, err error) { r.add("%s failed: %v", name, err) }

// want compares what happened since it was asked last.
func (r *recorder) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.log, want) {
		t.Errorf("log is %q, want %q", r.log, want)
	}
	r.log = nil
}

// listen notes what its instance receives, and does as it is told.
func (r *recorder) listen(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	for {
		event, err := conn.Receive(ctx)
		if err != nil {
			return err
		}
		switch event := event.(type) {
		case parley.ChannelReceive:
			r.add("%s: %s", scope.Channel, event.Data)
			if do := orders[string(event.Data)]; do != nil {
				if err := do(ctx); err != nil {
					return err
				}
			}
		case parley.ChannelDisconnect:
			r.add("%s ends", scope.Channel)
			return event.Cause
		}
	}
}

// orders are messages to which an instance does something.
var orders = map[string]func(ctx context.Context) error{
	"fail":  func(context.Context) error { return errTest },
	"leave": func(context.Context) error { return parley.ErrDisconnected },
	"block": func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) },
	"work":  func(context.Context) error { time.Sleep(time.Second); return nil },
	"long":  func(context.Context) error { time.Sleep(time.Hour); return nil },
}

// serve runs a test as the handle of a server of r's listeners, in a bubble.
func serve(t *testing.T, options stateless.Options, test func(
	t *testing.T, ctx context.Context, s *stateless.Server, r *recorder,
)) {
	t.Helper()
	r := new(recorder)
	if options.Failed == nil {
		options.Failed = r.failed
	}
	serveApp(t, parley.AppFunc(r.listen), options, func(
		t *testing.T, ctx context.Context, s *stateless.Server,
	) {
		test(t, ctx, s, r)
	})
}

func serveApp(t *testing.T, app parley.App, options stateless.Options, test func(
	t *testing.T, ctx context.Context, s *stateless.Server,
)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := stateless.New(app, options)
		err := s.Run(t.Context(), func(ctx context.Context) error {
			test(t, ctx, s)
			return nil
		})
		if err != nil {
			t.Error("Run:", err)
		}
		if stats := s.Stats(); stats.Alive != 0 || stats.Waiting != 0 {
			t.Errorf("after Run there are %+v", stats)
		}
	})
}

func message(text string) parley.ChannelReceive { return parley.ChannelReceive{Data: []byte(text)} }

func deliver(
	t *testing.T, ctx context.Context, s *stateless.Server, name string, texts ...string,
) {
	t.Helper()
	for _, text := range texts {
		if err := s.Deliver(ctx, name, message(text)); err != nil {
			t.Errorf("Deliver of %q to %s: %v", text, name, err)
		}
	}
}

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error is %v, want %v", got, want)
	}
}
