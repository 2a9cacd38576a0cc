package parley

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
)

// ErrNoState is the error of a Publish where nobody keeps what is published: the
// context is not that of a Lifespan conversation, or start-up is over.
var ErrNoState = errors.New("parley: nothing can be published here: it takes the context of a start-up")

// State is what start-up publishes for the conversations of a process: one value
// of each type. Servers make one, have Publish fill it during the Lifespan
// conversation's start-up, seal it, and hand it to every conversation in its
// context. It is safe for concurrent use.
type State struct {
	mu     sync.Mutex
	sealed bool
	values map[reflect.Type]any // not written to any more once sealed
}

type stateKey struct{}

// WithState returns a context that carries state.
func WithState(ctx context.Context, state *State) context.Context {
	return context.WithValue(ctx, stateKey{}, state)
}

// Seal ends the time in which values can be published.
func (s *State) Seal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed = true
}

// Publish hands value to every conversation of the process, during start-up. There
// is one value of each type: an application has types of its own for what it
// publishes. A type that was published before is an error.
func Publish[T any](ctx context.Context, value T) error {
	state, ok := ctx.Value(stateKey{}).(*State)
	if !ok {
		return ErrNoState
	}
	kind := reflect.TypeFor[T]()
	state.mu.Lock()
	defer state.mu.Unlock()
	if state.sealed {
		return ErrNoState
	}
	if _, twice := state.values[kind]; twice {
		return fmt.Errorf("parley: a %v was published before", kind)
	}
	if state.values == nil {
		state.values = make(map[reflect.Type]any)
	}
	state.values[kind] = value
	return nil
}

// Published returns the T that start-up has published, if it has.
func Published[T any](ctx context.Context) (value T, ok bool) {
	state, ok := ctx.Value(stateKey{}).(*State)
	if !ok {
		return value, false
	}
	state.mu.Lock()
	defer state.mu.Unlock()
	value, ok = state.values[reflect.TypeFor[T]()].(T)
	return value, ok
}
