package parleyotel_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"testing"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/parleygo/parley/bridge"
	parleyotel "github.com/parleygo/parley/contrib/otel"
)

// TestBridge: a call's span, whichever way its function ends.
func TestBridge(t *testing.T) {
	failed := errors.New("failed")
	for _, c := range []struct {
		name string
		fn   func() error
		want codes.Code
	}{
		{"returns", func() error { return nil }, codes.Unset},
		{"fails", func() error { return failed }, codes.Error},
		{"panics", func() error { panic("a bug") }, codes.Error},
		{"goexit", func() error { runtime.Goexit(); return nil }, codes.Error},
	} {
		tracing, recorder := recording(parleyotel.Options{})
		fn := func(ctx context.Context) error {
			if !trace.SpanFromContext(ctx).IsRecording() {
				t.Error("the function has no span")
			}
			return c.fn()
		}
		double := parleyotel.SyncToAsync(tracing, "work", func(ctx context.Context, n int) (int, error) {
			return 2 * n, fn(ctx)
		})
		note := parleyotel.SyncToAsyncErr(tracing, "work", func(ctx context.Context, _ int) error { return fn(ctx) })
		for name, call := range map[string]func(context.Context) error{
			"SyncToAsync": func(ctx context.Context) error {
				n, err := double(ctx, 21).Await(ctx)
				if err == nil && n != 42 {
					t.Errorf("returned %d", n)
				}
				return err
			},
			"SyncToAsyncErr": func(ctx context.Context) error { return note(ctx, 1).Await(ctx) },
			"Do":             func(ctx context.Context) error { return parleyotel.Do(ctx, tracing, "work", fn) },
		} {
			t.Run(c.name+" "+name, func(t *testing.T) {
				recorder.Reset()
				b, err := bridge.New(bridge.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer b.Close(context.Background())
				if err := call(bridge.With(t.Context(), b)); (err != nil) != (c.want == codes.Error) {
					t.Errorf("the call returns %v", err)
				}
				span := only(t, recorder)
				got := attributesOf(span.Attributes())
				for _, key := range []string{"parley.bridge.queue_seconds", "parley.bridge.run_seconds"} {
					if seconds, err := strconv.ParseFloat(got[key], 64); err != nil || seconds < 0 {
						t.Errorf("%s is %q", key, got[key])
					}
				}
				if span.Name() != "work" || span.Status().Code != c.want {
					t.Errorf("%s: %+v", span.Name(), span.Status())
				}
				if events := span.Events(); len(events) != 1 || events[0].Name != "run" ||
					events[0].Time.Before(span.StartTime()) {
					t.Errorf("events %+v", events)
				}
			})
		}
	}
}

// TestCallThatNeverRuns has no span.
func TestCallThatNeverRuns(t *testing.T) {
	tracing, recorder := recording(parleyotel.Options{})
	b, err := bridge.New(bridge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	ctx, cancel := context.WithCancel(bridge.With(t.Context(), b))
	cancel()
	err = parleyotel.Do(ctx, tracing, "work", func(context.Context) error { return nil }, bridge.Pooled())
	if !errors.Is(err, context.Canceled) || len(recorder.Started()) != 0 {
		t.Errorf("%v, %d spans", err, len(recorder.Started()))
	}
}
