package auth

import (
	"context"
	"sync"

	"github.com/parleygo/parley"
)

// localRevocations are Revocations within one Middleware.
type localRevocations struct {
	mu      sync.Mutex
	watches map[string]map[*localWatch]struct{} // by subject
}

type localWatch struct {
	mu      sync.Mutex
	revoked func(cause error) // nil once it is stopped
}

func (l *localRevocations) Watch(
	_ context.Context, subjects []string, revoked func(cause error),
) (stop func(), err error) {
	w := &localWatch{revoked: revoked}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watches == nil {
		l.watches = make(map[string]map[*localWatch]struct{})
	}
	for _, subject := range subjects {
		if l.watches[subject] == nil {
			l.watches[subject] = make(map[*localWatch]struct{})
		}
		l.watches[subject][w] = struct{}{}
	}
	return func() { l.forget(w, subjects) }, nil
}

func (l *localRevocations) forget(w *localWatch, subjects []string) {
	l.mu.Lock()
	for _, subject := range subjects {
		delete(l.watches[subject], w)
		if len(l.watches[subject]) == 0 {
			delete(l.watches, subject)
		}
	}
	l.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked = nil
}

func (l *localRevocations) Revoke(_ context.Context, subject string) error {
	l.mu.Lock()
	watches := make([]*localWatch, 0, len(l.watches[subject]))
	for w := range l.watches[subject] {
		watches = append(watches, w)
	}
	l.mu.Unlock()
	for _, w := range watches {
		w.tell()
	}
	return nil
}

func (w *localWatch) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.revoked != nil {
		w.revoked(parley.ErrAuthExpired)
	}
}
