package bridge

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
)

// Store holds the values of [Local] variables for one line of work, usually one request. A context
// carries it down, and what is written to it anywhere below is seen by all who share it. It is safe
// for concurrent use. The zero value is an empty store.
type Store struct {
	mu     sync.Mutex
	values map[any]any // *Local[T] to *T
}

// storeKey finds a *storeView in a context.
type storeKey struct{}

// storeView is the way from a context to a store. That of an abandoned call is bent to a copy.
type storeView struct{ store atomic.Pointer[Store] }

// WithStore returns a context that carries store; nil means a new, empty one.
func WithStore(ctx context.Context, store *Store) context.Context {
	mustContext(ctx)
	if store == nil {
		store = &Store{}
	}
	return context.WithValue(ctx, storeKey{}, viewOf(store))
}

// Fork returns a context with a copy of ctx's store as it is now. Writes on one side are invisible
// to the other. Fork before starting a concurrent task that shall be on its own: a go statement
// shares the store. Without a store in ctx, the fork's is empty.
func Fork(ctx context.Context) context.Context {
	mustContext(ctx)
	return context.WithValue(ctx, storeKey{}, viewOf(storeOf(ctx).fork()))
}

func viewOf(store *Store) *storeView {
	v := &storeView{}
	v.store.Store(store)
	return v
}

func storeOf(ctx context.Context) *Store {
	v, _ := ctx.Value(storeKey{}).(*storeView)
	if v == nil {
		return nil
	}
	return v.store.Load()
}

func (s *Store) fork() *Store {
	if s == nil {
		return &Store{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Store{values: maps.Clone(s.values)}
}

// viewStore gives a call that may be abandoned a view of its own.
func (j *job) viewStore() {
	if store := storeOf(j.Context); store != nil {
		view := viewOf(store)
		j.need().view = view
		j.Context = context.WithValue(j.Context, storeKey{}, view)
	}
}

// Local is a typed variable that lives in a context's [Store], so that writes cross every call of
// the bridge in both directions. Declare it as a package-level variable and do not copy it: its
// address is its identity. The zero value is ready to use, and all methods may be called from any
// goroutine.
type Local[T any] struct{ _ byte } // not empty, or two variables could share an address

// Get returns the value, and false if it is unset or ctx has no store.
func (l *Local[T]) Get(ctx context.Context) (value T, ok bool) {
	if box := l.load(storeOf(ctx)); box != nil {
		return *box, true
	}
	return value, false
}

// Set sets the value. It returns [ErrNoStore] if ctx has no store.
func (l *Local[T]) Set(ctx context.Context, value T) error {
	s := storeOf(ctx)
	if s == nil {
		return ErrNoStore
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.put(s, &value)
	return nil
}

// Delete unsets the value. It returns [ErrNoStore] if ctx has no store.
func (l *Local[T]) Delete(ctx context.Context) error {
	s := storeOf(ctx)
	if s == nil {
		return ErrNoStore
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, l)
	return nil
}

// Update replaces the value by change(old, set) in one step. Change runs again if somebody else was
// faster, so it must not have side effects. Update returns the new value, or [ErrNoStore].
func (l *Local[T]) Update(ctx context.Context, change func(old T, set bool) T) (T, error) {
	s := storeOf(ctx)
	if s == nil {
		var zero T
		return zero, ErrNoStore
	}
	for {
		seen := l.load(s)
		var old T
		if seen != nil {
			old = *seen
		}
		value := change(old, seen != nil) // outside the mutex: it is the user's
		if l.swap(s, seen, &value) {
			return value, nil
		}
	}
}

func (l *Local[T]) load(s *Store) *T {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	box, _ := s.values[l].(*T)
	return box
}

func (l *Local[T]) put(s *Store, box *T) {
	if s.values == nil {
		s.values = map[any]any{}
	}
	s.values[l] = box
}

func (l *Local[T]) swap(s *Store, seen, box *T) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now, _ := s.values[l].(*T); now != seen {
		return false
	}
	l.put(s, box)
	return true
}
