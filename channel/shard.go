package channel

import "sync"

// shard holds the inboxes and groups whose names fall into it, and counts what
// happens to them. Its lock is held for a look-up or a change, never while a
// message is delivered.
type shard struct {
	mu      sync.RWMutex
	inboxes map[Name]*Inbox
	groups  map[Group]*group
	members int // sum over groups
	count   counters
	_       [64]byte // neighbours do not share a cache line
}

func (l *Layer) register(in *Inbox) error {
	s := in.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.closed.Load() { // Close sets it before it collects the inboxes
		return ErrClosed
	}
	if s.inboxes[in.name] != nil {
		return ErrTaken
	}
	if s.inboxes == nil {
		s.inboxes = make(map[Name]*Inbox)
	}
	s.inboxes[in.name] = in
	return nil
}

func (l *Layer) unregister(in *Inbox) {
	s := in.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.inboxes, in.name)
}

//parley:noescape
func (l *Layer) inbox(name Name) *Inbox {
	s := l.shardOf(string(name))
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.inboxes[name]
}

func (s *shard) all() []*Inbox {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]*Inbox, 0, len(s.inboxes))
	for _, in := range s.inboxes {
		all = append(all, in)
	}
	return all
}
