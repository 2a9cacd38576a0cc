// Package interrupt tells a layer of what its transport may have missed.
package interrupt

import (
	"maps"
	"slices"
	"sync"
)

// Teller tells of subjects, one call after the other, on a goroutine that lives while
// there is something to tell. What comes up during a call is one call more. The zero
// value is ready.
type Teller struct {
	mu       sync.Mutex
	tell     func(subjects []string)
	subjects map[string]bool
	telling  bool
}

// OnInterrupt sets who is told. What was missed before is not.
func (t *Teller) OnInterrupt(tell func(subjects []string)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tell = tell
}

// Missed has it told that something on these subjects may not have come.
func (t *Teller) Missed(subjects ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tell == nil || len(subjects) == 0 {
		return
	}
	if t.subjects == nil {
		t.subjects = make(map[string]bool, len(subjects))
	}
	for _, subject := range subjects {
		t.subjects[subject] = true
	}
	if !t.telling {
		t.telling = true
		go t.run()
	}
}

func (t *Teller) run() {
	for {
		t.mu.Lock()
		subjects, tell := t.subjects, t.tell
		t.subjects = nil
		t.telling = len(subjects) > 0
		t.mu.Unlock()
		if len(subjects) == 0 {
			return
		}
		tell(slices.Sorted(maps.Keys(subjects)))
	}
}
