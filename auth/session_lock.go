package auth

import "sync"

// saving has one conversation at a time read, merge and write a session.
var saving sessionLocks

// sessionLocks is a lock for each token that is being saved.
type sessionLocks struct {
	mu    sync.Mutex
	locks map[string]*sessionLock
}

type sessionLock struct {
	sync.Mutex
	users int
}

// lock waits for its turn and returns how to end it. Sessions that have no token
// yet are nobody else's.
func (l *sessionLocks) lock(token string) (unlock func()) {
	if token == "" {
		return func() {}
	}
	l.mu.Lock()
	if l.locks == nil {
		l.locks = make(map[string]*sessionLock)
	}
	one := l.locks[token]
	if one == nil {
		one = new(sessionLock)
		l.locks[token] = one
	}
	one.users++
	l.mu.Unlock()
	one.Lock()
	return func() {
		one.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(l.locks, token)
		}
	}
}
