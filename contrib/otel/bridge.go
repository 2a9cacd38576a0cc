package parleyotel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/parleygo/parley/bridge"
)

// SyncToAsync is bridge.SyncToAsync with a span for each call, of that name.
func SyncToAsync[A, R any](
	t *Tracing, name string, fn func(context.Context, A) (R, error), options ...bridge.Option,
) func(context.Context, A) *bridge.Future[R] {
	mustHave(t, fn != nil, "SyncToAsync")
	wrapped := bridge.SyncToAsync(func(ctx context.Context, c call[A]) (result R, err error) {
		err = t.run(ctx, name, c.made, func(ctx context.Context) (err error) {
			result, err = fn(ctx, c.arg)
			return err
		})
		return result, err
	}, options...)
	return func(ctx context.Context, arg A) *bridge.Future[R] {
		return wrapped(ctx, call[A]{time.Now(), arg})
	}
}

// SyncToAsyncErr is bridge.SyncToAsyncErr with a span for each call, of that name.
func SyncToAsyncErr[A any](
	t *Tracing, name string, fn func(context.Context, A) error, options ...bridge.Option,
) func(context.Context, A) *bridge.Task {
	mustHave(t, fn != nil, "SyncToAsyncErr")
	wrapped := bridge.SyncToAsyncErr(func(ctx context.Context, c call[A]) error {
		return t.run(ctx, name, c.made, func(ctx context.Context) error { return fn(ctx, c.arg) })
	}, options...)
	return func(ctx context.Context, arg A) *bridge.Task {
		return wrapped(ctx, call[A]{time.Now(), arg})
	}
}

// Do is bridge.Do with a span of that name.
func Do(
	ctx context.Context, t *Tracing, name string, fn func(context.Context) error,
	options ...bridge.Option,
) error {
	mustHave(t, fn != nil, "Do")
	made := time.Now()
	return bridge.Do(ctx, func(ctx context.Context) error {
		return t.run(ctx, name, made, fn)
	}, options...)
}

func mustHave(t *Tracing, function bool, where string) {
	if t == nil || !function {
		panic("parleyotel: " + where + ": nil Tracing or function")
	}
}

// call is an argument, and when the call was made.
type call[A any] struct {
	made time.Time
	arg  A
}

// run runs the function of a call that was made before.
func (t *Tracing) run(
	ctx context.Context, name string, made time.Time, fn func(context.Context) error,
) (err error) {
	queued := time.Since(made)
	ctx, span := t.tracer().Start(ctx, name, trace.WithTimestamp(made),
		trace.WithAttributes(attribute.Float64("parley.bridge.queue_seconds", queued.Seconds())))
	span.AddEvent("run")
	returned := false
	defer func() {
		switch {
		case !returned:
			span.SetStatus(codes.Error, "did not return")
		case err != nil:
			span.SetStatus(codes.Error, textOf(err))
		}
		took := time.Since(made) - queued
		span.SetAttributes(attribute.Float64("parley.bridge.run_seconds", took.Seconds()))
		span.End()
	}()
	err = fn(ctx)
	returned = true
	return err
}
