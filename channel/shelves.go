package channel

import (
	"slices"
	"sync"
	"time"
)

// shelves are the logs of a layer that is alone. A log that nobody uses is let go of
// when all in it is too old and nothing has come for a while: who comes back then is
// told of a gap. Whoever can name groups can have very many logs made, so that none is
// looked at more often than others are used.
type shelves struct {
	mu    sync.Mutex
	logs  map[Group]*shelved
	list  []*shelved // the same, in no order
	next  int        // in list, to be looked at
	calls int
}

type shelved struct {
	*kept
	group Group
	place int // in the list
	users int // memberships and calls
	left  time.Time
}

// What a log lives when nobody uses it: a shorter time while there are many.
const (
	shelfLife  = time.Hour   // of one in which all is too old
	shelfBlank = time.Minute // of one that nothing was ever sent to
	shelfFew   = 10_000
)

// So many are looked at for each that is made, and now and then.
const (
	shelfLooks = 3
	shelfPause = 16 // calls
)

// hold returns the reader of a group, which stays until release.
func (s *shelves) hold(l *Layer, group Group, keep Keep) *kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, made := s.logs[group], false
	if k == nil {
		made = true
		log := &memoryShelf{epoch: newID()}
		k = &shelved{kept: l.newKept(group, keep, log), group: group, place: len(s.list)}
		k.start(Position{log.epoch, 0})
		if s.logs == nil {
			s.logs = make(map[Group]*shelved)
		}
		s.logs[group], s.list = k, append(s.list, k)
	}
	k.users++
	if s.calls++; made || s.calls%shelfPause == 0 {
		s.look(time.Now())
	}
	return k.kept
}

func (s *shelves) release(group Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.logs[group]; k != nil {
		if k.users--; k.users == 0 {
			k.left = time.Now()
		}
	}
}

// look looks at the next few, and lets go of those that have had their time. It is called
// with mu held.
func (s *shelves) look(now time.Time) {
	for range min(shelfLooks, len(s.list)) {
		if s.next >= len(s.list) {
			s.next = 0
		}
		if k := s.list[s.next]; k.isOver(now, len(s.list) > shelfFew) {
			s.drop(k)
		} else {
			s.next++
		}
	}
}

// isOver also has the log let go of what is too old.
func (k *shelved) isOver(now time.Time, many bool) bool {
	idle, blank := k.shelf.(*memoryShelf).idle(now)
	switch {
	case k.users > 0:
		return false
	case blank:
		return many || now.Sub(k.left) > shelfBlank
	case many:
		return idle > k.keep.Age
	}
	return idle > max(k.keep.Age, shelfLife)
}

// flush forgets all that nobody uses.
func (s *shelves) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.logs {
		if k.users == 0 {
			s.drop(k)
		}
	}
}

// drop puts the last of the list into the place of the one that goes.
func (s *shelves) drop(k *shelved) {
	k.stop()
	delete(s.logs, k.group)
	last := len(s.list) - 1
	s.list[k.place], s.list[last].place = s.list[last], k.place
	s.list[last] = nil
	s.list = s.list[:last]
	if cap(s.list) > 2*shelfFew && last < cap(s.list)/4 {
		s.list = slices.Clip(slices.Clone(s.list))
	}
}

// now returns the reader of a group that has a log.
func (s *shelves) now(group Group) *kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.logs[group]; k != nil {
		return k.kept
	}
	return nil
}
