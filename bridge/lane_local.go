package bridge

import "context"

// LaneLocal is a typed variable tied to a lane instead of a context: what one job sets, later jobs
// on the same lane see, wherever they come from, and nobody else does. Declare it as a
// package-level variable and do not copy it. Its methods are for functions that run on a lane;
// elsewhere there is no lane to keep a value.
type LaneLocal[T any] struct {
	// Close, if set, is given the value on the lane's thread when the lane ends, before the Stop hook.
	// Of several values the one set last is closed first. If one panics, the others are closed all the
	// same, and Options.Unobserved is told.
	Close func(T)
}

type laneValue struct {
	value any
	close func()
	age   int
}

// Get returns the value of the lane that the calling function runs on, and false if it is unset.
// ctx is the function's own.
func (v *LaneLocal[T]) Get(ctx context.Context) (value T, ok bool) {
	if act := here(ctx); act != nil {
		value, ok = act.lane.values[v].value.(T)
	}
	return value, ok
}

// Set sets the value on the lane that the calling function runs on. An earlier value is not closed.
// It returns [ErrNoLane] if the function runs on none.
func (v *LaneLocal[T]) Set(ctx context.Context, value T) error {
	act := here(ctx)
	if act == nil {
		return ErrNoLane
	}
	entry := laneValue{value: value}
	if v.Close != nil {
		entry.close = func() { v.Close(value) }
	}
	act.lane.keep(v, entry)
	return nil
}

// keep has the lane keep a value until its end. It is called on the lane's thread.
func (l *Lane) keep(key any, entry laneValue) {
	if l.values == nil {
		l.values = map[any]laneValue{}
	}
	l.valuesSet++
	entry.age = l.valuesSet
	l.values[key] = entry
}
