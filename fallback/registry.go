package fallback

import (
	"net/http"
	"sync"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/drain"
)

// registry keeps the fallback sessions of one App. A session counts until both its
// app has returned and its client knows of the end.
type registry struct {
	mu      sync.Mutex
	byID    map[string]*session
	clients map[string]int // sessions of each client
	count   int
	running int
	closed  bool
	ends    drain.Count   // in a drain
	idle    chan struct{} // closed when the last app has returned, made by who waits
}

// refusal is an answer to a client that gets no session.
type refusal struct {
	status int
	retry  string // Retry-After, in seconds
	reason string
}

func (r *refusal) Error() string { return "fallback: " + r.reason }

var (
	errClosing   = &refusal{http.StatusServiceUnavailable, "5", "the app is closing"}
	errFull      = &refusal{http.StatusServiceUnavailable, "5", "no memory for another session"}
	errTooMany   = &refusal{http.StatusServiceUnavailable, "5", "too many sessions"}
	errGreedy    = &refusal{http.StatusTooManyRequests, "15", "too many sessions of one client"}
	errLargeHead = &refusal{
		http.StatusRequestHeaderFieldsTooLarge, "", "too large a header for a session to keep",
	}
	errForeign = &refusal{http.StatusForbidden, "", "a page of another origin"}
)

// add takes a session in, if there is room for it.
func (r *registry) add(s *session, limits *Options) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return errClosing
	case r.count >= limits.MaxSessions:
		return errTooMany
	case r.clients[s.client] >= limits.MaxPerClient:
		return errGreedy
	}
	if r.byID == nil {
		r.byID, r.clients = make(map[string]*session), make(map[string]int)
	}
	r.byID[s.id] = s
	r.clients[s.client]++
	r.count++
	r.running++
	s.listed, s.runs = true, true
	return nil
}

func (r *registry) find(id string) *session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[id]
}

// all returns the sessions whose app runs.
func (r *registry) all() (list []*session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.byID {
		if s.runs {
			list = append(list, s)
		}
	}
	return list
}

// unlist forgets a session whose client knows of its end, or will not come.
func (r *registry) unlist(s *session) {
	if r.unlisted(s) {
		s.free()
	}
}

func (r *registry) unlisted(s *session) (settled bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !s.listed {
		return false
	}
	s.listed = false
	delete(r.byID, s.id)
	return r.settle(s)
}

// drained is how sessions have ended since the registry was closed, or for a drain of
// the gateway's before. Those that run still count as cut.
func (r *registry) drained() drain.Count {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		return drain.Count{}
	}
	ends := r.ends
	ends.Cut += r.running
	return ends
}

// returned notes that a session's app has returned, and what its session ended with.
func (r *registry) returned(s *session, cause error) {
	if r.stopped(s, cause) {
		s.free()
	}
}

func (r *registry) stopped(s *session, cause error) (settled bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case cause == parley.ErrDraining: // the gateway may drain a moment before the App
		r.ends.Closed++
	case r.closed:
		r.ends.Finished++
	}
	s.runs = false
	r.running--
	if r.running == 0 && r.idle != nil {
		close(r.idle)
		r.idle = nil
	}
	return r.settle(s)
}

// settle reports whether nobody asks for the session any more.
func (r *registry) settle(s *session) bool {
	if s.listed || s.runs {
		return false
	}
	r.count--
	if r.clients[s.client]--; r.clients[s.client] == 0 {
		delete(r.clients, s.client)
	}
	return true
}

// close lets nobody in any more. It returns the sessions that are there, and a
// channel that is closed when all their apps have returned.
func (r *registry) close() (list []*session, idle <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, s := range r.byID {
		list = append(list, s)
	}
	if r.idle == nil {
		r.idle = make(chan struct{})
	}
	idle = r.idle
	if r.running == 0 {
		close(r.idle)
		r.idle = nil
	}
	return list, idle
}

func (r *registry) counts() (sessions, running int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count, r.running
}
