// Package presence is who is in a group, as the members on one layer have been told:
// data without locks, goroutines and clocks of its own.
package presence

import "time"

// Roster is who is in a group. A stay has an id that no other ever has: so what comes
// twice, late or in the wrong order is seen to be so.
type Roster struct {
	known  map[string]*stay
	over   map[string]time.Time // stays that have ended, and until when that is remembered
	count  uint64               // of changes
	listed bool                 // somebody was told of who is there
	missed uint64               // count when news may have been missed, 0 when none can be
	swept  time.Time
}

type stay struct {
	show []byte
	told bool   // members have been told that it began
	at   uint64 // count when it came to be known
}

// Stay is one of a Roster.
type Stay struct {
	ID   string
	Show []byte
}

const remembered = 2 * time.Minute // longer than anything is under way

// Join reports whether members have to be told that a stay begins.
func (r *Roster) Join(s Stay) bool {
	if _, over := r.over[s.ID]; over {
		return false
	}
	known := r.learn(s)
	first := !known.told
	known.told = true
	return first
}

// Leave reports whether members have to be told that a stay ends, and what it showed.
func (r *Roster) Leave(id string, now time.Time) (s Stay, tell bool) {
	r.sweep(now)
	if r.over == nil {
		r.over = make(map[string]time.Time)
	}
	r.over[id] = now.Add(remembered)
	known := r.known[id]
	if known == nil {
		return Stay{}, false
	}
	delete(r.known, id)
	r.count++
	return Stay{id, known.show}, true
}

// List takes what somebody is about to be told of, as it was asked for when mark was taken,
// and leaves out what is over. Stays that nobody knew of have begun since the last list, so
// members who were there by then have to be told of them: the news is late, or its sender
// died before it was out. Those of the first list may have been there before all members.
//
// Stays that are known and not present are in the list, too: others believe in them, and
// what they are to be told next is for all. It reports whether there are any that were
// known when mark was taken.
func (r *Roster) List(present []Stay, mark uint64) (list, joined []Stay, missing bool) {
	there := make(map[string]bool, len(present))
	for _, s := range present {
		there[s.ID] = true
		if _, over := r.over[s.ID]; over {
			continue
		}
		list = append(list, s)
		switch {
		case r.known[s.ID] != nil:
		case r.listed:
			r.Join(s)
			joined = append(joined, s)
		default:
			r.learn(s)
		}
	}
	for id, s := range r.known {
		if !there[id] {
			list = append(list, Stay{id, s.show})
			missing = missing || s.at <= mark
		}
	}
	r.listed = true
	return list, joined, missing
}

// Listed reports whether there was a List.
func (r *Roster) Listed() bool { return r.listed }

// Known returns all stays.
func (r *Roster) Known() (list []Stay) {
	for id, s := range r.known {
		list = append(list, Stay{id, s.show})
	}
	return list
}

// Miss takes that news may have been missed.
func (r *Roster) Miss() {
	r.count++
	r.missed = r.count
}

// Mark is for Reconcile: it is taken before the truth is asked for.
func (r *Roster) Mark() uint64 { return r.count }

// Reconcile takes the truth as it was asked for when mark was taken. It returns what
// members have to be told: of stays that were listed only if news may have been missed.
func (r *Roster) Reconcile(present []Stay, mark uint64, now time.Time) (joined, left []Stay) {
	there := make(map[string]bool, len(present))
	for _, s := range present {
		there[s.ID] = true
		if (r.known[s.ID] == nil || r.missed > 0) && r.Join(s) {
			joined = append(joined, s)
		}
	}
	for id, s := range r.known {
		if !there[id] && s.at <= mark {
			gone, _ := r.Leave(id, now)
			left = append(left, gone)
		}
	}
	if r.missed <= mark {
		r.missed = 0
	}
	return joined, left
}

func (r *Roster) learn(s Stay) *stay {
	known := r.known[s.ID]
	if known == nil {
		if r.known == nil {
			r.known = make(map[string]*stay)
		}
		r.count++
		known = &stay{show: s.Show, at: r.count}
		r.known[s.ID] = known
	}
	return known
}

func (r *Roster) sweep(now time.Time) {
	if now.Sub(r.swept) < remembered {
		return
	}
	r.swept = now
	for id, until := range r.over {
		if until.Before(now) {
			delete(r.over, id)
		}
	}
}
