package bridge

import (
	"context"
	"iter"
)

// Iterate walks an iterator whose steps block, from code that must not. Each step runs on the
// bridge, where [SyncToAsync] would run it, and its value goes to the loop before the next step
// begins:
//
//	for row, err := range bridge.Iterate(ctx, store.Rows, bridge.Pooled()) {
//
// The first step calls seq. All steps of a walk that begins on a lane run on that lane, so that the
// iterator finds what it left on its thread; between them the lane is free for others. When the
// loop is left, by break, panic or in any other way, one more step lets the iterator clean up, even
// if ctx has ended.
//
// An error is yielded once, with a zero value, and ends the walk: of a panic in the iterator, of
// the end of ctx between two steps, of a lane or bridge that is gone. A failure of the clean-up
// goes to Options.Unobserved. An iterator that can fail by itself is for [Iterate2].
//
// Only the first step counts against the bridge's limits. [Bridge.Close] waits until the loop is
// over. A lane that ends before has the iterator clean up on its thread, and the next step fails
// with [ErrClosed] or [ErrLaneLost]. If it ends as its thread was lost, by [ErrAffinity], the
// iterator cannot clean up: it is stuck where it was. A keyed lane does not end for want of work
// meanwhile.
//
// On a lane, the thread must be locked equally often at every step: an iterator that yields between
// its own lock and unlock, or a job that leaves the thread with another count, ends the process, as
// with [iter.Pull]. In the pool an iterator has a goroutine of its own and may do so. Nor may it
// yield inside a call that it makes on its lane: yield returns false then, and the walk fails. In
// the pool such a call keeps its place for as long as the loop takes.
//
// Iterate panics if ctx or seq is nil, and for [OwnThread], [Abandon] and [Timeout], which are
// about one call. What it returns may be ranged over repeatedly; each time is a walk of its own.
func Iterate[T any](
	ctx context.Context, seq func(context.Context) iter.Seq[T], options ...Option,
) iter.Seq2[T, error] {
	if seq == nil {
		panic("bridge: Iterate: nil function")
	}
	s := walkSettings(ctx, "Iterate", options)
	return iterate(ctx, s, seq, func(ctx context.Context, yield func(T, error) bool) {
		for value := range seq(ctx) {
			if !yield(value, nil) {
				return
			}
		}
	})
}

// Iterate2 is [Iterate] for an iterator that can fail: its errors are yielded as it yields them,
// and it decides itself whether it goes on after one.
func Iterate2[T any](
	ctx context.Context, seq func(context.Context) iter.Seq2[T, error], options ...Option,
) iter.Seq2[T, error] {
	if seq == nil {
		panic("bridge: Iterate2: nil function")
	}
	s := walkSettings(ctx, "Iterate2", options)
	return iterate(ctx, s, seq, func(ctx context.Context, yield func(T, error) bool) {
		seq(ctx)(yield)
	})
}

func walkSettings(ctx context.Context, user string, options []Option) *settings {
	mustContext(ctx)
	s := newSettings(options)
	if s.dedicated || s.abandon || s.timeout > 0 {
		panic("bridge: " + user + ": OwnThread, Abandon and Timeout are about one call")
	}
	return s
}

// iterate makes a sequence of which each walk runs body. Its calls are known by the name of fn.
func iterate[T any](
	ctx context.Context, s *settings, fn any, body func(context.Context, func(T, error) bool),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var value T
		var failure error
		w := &walk{Context: ctx, settings: s, fn: fn}
		w.body = func(pause func() bool) {
			body(w, func(v T, err error) bool {
				value, failure = v, err
				return pause()
			})
		}
		defer w.end()
		for {
			more, err := w.next()
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			if !more || !yield(value, failure) {
				return
			}
		}
	}
}
