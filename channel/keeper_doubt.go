package channel

import (
	"time"

	"github.com/parleygo/parley/internal/presence"
)

// doubt is a record that was written without an answer. It may come to be there when
// nobody thinks of it any more, for what was on its way when its connection broke can
// arrive behind what came later by another.
type doubt struct {
	group  Group
	stay   presence.Stay
	record Record
	until  time.Time // when nothing is on its way any more
}

// doubt keeps in mind what was written without an answer.
func (k *keeper) doubt(all []*stay, records []Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.doubts == nil {
		k.doubts = make(map[string]doubt, len(all))
	}
	until := time.Now().Add(goneAfter)
	for i, s := range all {
		r := records[i]
		k.doubts[r.Key] = doubt{s.group, presence.Stay{ID: r.Key, Show: r.Value}, r, until}
	}
}

// clearDoubts has records of stays that are over removed once more, and that said again:
// somebody may have seen them there. It is called with mu held whenever the lease is renewed.
func (k *keeper) clearDoubts() {
	now := time.Now()
	for id, d := range k.doubts {
		if k.held[id] == nil {
			k.outbox = append(k.outbox, announcement{d.group, kindLeave, d.stay})
			k.exits = append(k.exits, d.record)
		}
		if now.After(d.until) {
			delete(k.doubts, id)
		}
	}
}
