package bridge

import (
	"context"
	"errors"
	"iter"
)

// All awaits every future and returns the values in the order given. The error joins the failures,
// in the same order; it is nil if there was none.
func All[T any](ctx context.Context, futures ...*Future[T]) ([]T, error) {
	values := make([]T, len(futures))
	var failures []error
	for i, f := range futures {
		value, err := f.Await(ctx)
		if err != nil {
			failures = append(failures, err)
		}
		values[i] = value
	}
	return values, errors.Join(failures...)
}

// FailFast awaits the futures and returns their values in the order given, or nil and the first
// failure as soon as it happens. The other calls go on.
func FailFast[T any](ctx context.Context, futures ...*Future[T]) ([]T, error) {
	values := make([]T, len(futures))
	for i := range completed(ctx, futures) {
		value, err := futures[i].Await(ctx)
		if err != nil {
			return nil, err
		}
		values[i] = value
	}
	return values, nil
}

// AsCompleted yields value and error of each future as it completes, each future once. When ctx
// ends, what is not complete is yielded as Await has it.
func AsCompleted[T any](ctx context.Context, futures ...*Future[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for i := range completed(ctx, futures) {
			if !yield(futures[i].Await(ctx)) {
				return
			}
		}
	}
}

// completed yields the index of each future as it completes; once ctx has ended, those of the rest
// in order.
func completed[T any](ctx context.Context, futures []*Future[T]) iter.Seq[int] {
	mustContext(ctx)
	return func(yield func(int) bool) {
		t := newTally(ctx, len(futures))
		defer t.leaveAll()
		for i, f := range futures {
			t.join(i, &f.job)
		}
		seen := make([]bool, len(futures))
		for range futures {
			i, ok := t.next(ctx)
			if !ok {
				break
			}
			seen[i] = true
			if !yield(i) {
				return
			}
		}
		for i := range futures {
			if !seen[i] && !yield(i) {
				return
			}
		}
	}
}
