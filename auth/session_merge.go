package auth

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"time"

	"github.com/alexedwards/scs/v2"
)

// merge takes over into ctx's session what others have written to the store since
// it was loaded. changed reports whether there is anything to write: a value that
// this conversation has changed, or the time of an idle timeout. s.gone is set if
// the store has lost the session.
func (s *session) merge(ctx context.Context, token string) (changed bool, err error) {
	m := s.manager
	fresh, now, err := loadSession(valueless{ctx}, m, token)
	if err != nil {
		return false, unavailable("loading session", err)
	}
	if s.gone = m.Token(fresh) == ""; s.gone {
		return false, nil
	}
	deadline, was, err := m.Codec.Decode(s.base)
	if err != nil {
		return false, fmt.Errorf("auth: decoding session: %w", err)
	}
	theirs, own := sessionValues(m, fresh), sessionValues(m, ctx)
	for key := range keysOf(was, theirs, own) {
		switch {
		case !sameValue(own, was, key):
			changed = true
		case sameValue(theirs, was, key):
		case theirs[key] == nil:
			m.Remove(ctx, key)
		default:
			m.Put(ctx, key, theirs[key])
		}
	}
	if m.Deadline(ctx).Equal(deadline) {
		m.SetDeadline(ctx, m.Deadline(fresh))
	} else {
		changed = true
	}
	s.base = now
	return changed || m.IdleTimeout > 0, nil
}

// commit writes the session as it is.
func (s *session) commit(ctx context.Context) (expires time.Time, err error) {
	recording, store := recordStore(s.manager)
	if _, expires, err = recording.Commit(ctx); err != nil {
		return expires, unavailable("saving session", err)
	}
	s.base = store.seen
	return expires, nil
}

// sessionValues returns what a session holds.
func sessionValues(manager *scs.SessionManager, ctx context.Context) map[string]any {
	values := make(map[string]any)
	for _, key := range manager.Keys(ctx) {
		if value := manager.Get(ctx, key); value != nil {
			values[key] = value
		}
	}
	return values
}

func keysOf(all ...map[string]any) map[string]any {
	keys := make(map[string]any)
	for _, values := range all {
		maps.Copy(keys, values)
	}
	return keys
}

func sameValue(a, b map[string]any, key string) bool {
	return reflect.DeepEqual(a[key], b[key])
}

// loadSession loads a session, and tells how the store had it, encoded.
func loadSession(
	ctx context.Context, manager *scs.SessionManager, token string,
) (loaded context.Context, encoded []byte, err error) {
	recording, store := recordStore(manager)
	loaded, err = recording.Load(ctx, token)
	return loaded, store.seen, err
}

// recordStore returns the manager with a store that remembers what has passed.
func recordStore(manager *scs.SessionManager) (*scs.SessionManager, *recordingStore) {
	recording := *manager
	store := &recordingStore{Store: manager.Store}
	recording.Store = store
	return &recording, store
}

type recordingStore struct {
	scs.Store
	seen []byte
}

// FindCtx is the store's own, with the context if it takes one.
func (r *recordingStore) FindCtx(
	ctx context.Context, token string,
) (b []byte, found bool, err error) {
	if store, ok := r.Store.(scs.CtxStore); ok {
		b, found, err = store.FindCtx(ctx, token)
	} else {
		b, found, err = r.Store.Find(token)
	}
	if found {
		r.seen = b
	}
	return b, found, err
}

// CommitCtx is the store's own, with the context if it takes one.
func (r *recordingStore) CommitCtx(
	ctx context.Context, token string, b []byte, expiry time.Time,
) error {
	r.seen = b
	if store, ok := r.Store.(scs.CtxStore); ok {
		return store.CommitCtx(ctx, token, b, expiry)
	}
	return r.Store.Commit(token, b, expiry)
}

// valueless hides the session in a context, so that it is loaded afresh.
type valueless struct{ context.Context }

func (valueless) Value(any) any { return nil }
