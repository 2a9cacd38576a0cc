package census

import (
	"slices"
	"strings"
	"sync"

	"github.com/parleygo/parley"
)

// kept is how many ends are remembered.
const kept = 64

// Endings remembers how the last conversations have ended. The zero value is empty.
type Endings struct {
	mu   sync.Mutex
	list []parley.Ending
	next int // the oldest, once the list is full
}

// Add remembers one. Its texts are copied: they are parts of requests, which must not
// be kept for them.
func (e *Endings) Add(ending parley.Ending) {
	for _, text := range []*string{&ending.Route, &ending.Path, &ending.Client, &ending.User} {
		*text = strings.Clone(*text)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.list) < kept {
		e.list = append(e.list, ending)
		return
	}
	e.list[e.next] = ending
	e.next = (e.next + 1) % kept
}

// Latest returns them, the youngest first.
func (e *Endings) Latest() []parley.Ending {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := slices.Concat(e.list[e.next:], e.list[:e.next])
	slices.Reverse(list)
	return list
}
