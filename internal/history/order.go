package history

import (
	"cmp"
	"slices"
)

// Order makes a sequence of the entries of one log, which may arrive twice, in any
// order, or not at all. What is missing has to be read from the log: Missing says
// so, Ask where to begin, and Fill takes the answer. The zero Order is at the
// beginning of a log that nothing was ever appended to.
type Order[T any] struct {
	epoch   string
	last    uint64     // all up to here is in the sequence, or was told as a gap
	pending []Entry[T] // behind a hole, by offset
	missing bool       // something that did arrive was let go of
}

// Gap says why the sequence has a hole in front of a step.
type Gap string

const (
	NoGap   Gap = ""
	Trimmed Gap = "trimmed" // the log does not keep it any more
	Epoch   Gap = "epoch"   // the log has lost its memory
)

// Step is the next of a sequence: an entry, or a gap with the offset that the
// sequence is at behind it.
type Step[T any] struct {
	Epoch string
	Gap   Gap
	Entry Entry[T]
}

// Past is what a log says of itself. It is complete if it holds all that there is
// behind what was asked for.
type Past[T any] struct {
	Epoch    string
	Last     uint64
	Entries  []Entry[T]
	Complete bool
}

const tooMany = 1000 // pending; more are read from the log

// Start sets where the sequence begins.
func (o *Order[T]) Start(epoch string, last uint64) {
	*o = Order[T]{epoch: epoch, last: last}
}

// At returns where the sequence is.
func (o *Order[T]) At() (epoch string, last uint64) { return o.epoch, o.last }

// Offer takes an entry that has arrived, and returns what follows from it.
func (o *Order[T]) Offer(epoch string, e Entry[T]) []Step[T] {
	switch {
	case epoch != o.epoch: // a new one, or what comes late of an old one
		o.missing = true
	case e.Offset <= o.last:
	case e.Previous <= o.last:
		return o.advance([]Step[T]{o.step(e)})
	case len(o.pending) == tooMany:
		o.missing = true
	default:
		at, found := slices.BinarySearchFunc(o.pending, e.Offset, func(e Entry[T], offset uint64) int {
			return cmp.Compare(e.Offset, offset)
		})
		if !found {
			o.pending = slices.Insert(o.pending, at, e)
		}
	}
	return nil
}

// Skip lets go of an entry that has arrived, for which there is no room.
func (o *Order[T]) Skip() { o.missing = true }

// Missing reports whether something has to be read from the log.
func (o *Order[T]) Missing() bool { return o.missing || len(o.pending) > 0 }

// Ask returns the position to read the log from, for Fill.
func (o *Order[T]) Ask() (epoch string, after uint64) {
	o.missing = false
	return o.epoch, o.last
}

// Fill takes what the log said when it was asked behind an offset.
func (o *Order[T]) Fill(asked uint64, past Past[T]) (steps []Step[T]) {
	switch {
	case past.Epoch == o.epoch && past.Last >= asked:
	case o.epoch == "" && o.last == 0:
		o.epoch = past.Epoch
	default:
		sameEpoch := past.Epoch == o.epoch
		o.Start(past.Epoch, 0)
		if sameEpoch { // it may have as many entries again some day
			o.last = past.Last
		}
		o.missing = true
		return []Step[T]{o.gap(Epoch)}
	}
	for _, e := range past.Entries {
		if e.Offset <= o.last {
			continue
		}
		if e.Previous > o.last {
			o.last = e.Previous
			steps = append(steps, o.gap(Trimmed))
		}
		steps = append(steps, o.step(e))
	}
	if past.Complete && o.last < past.Last {
		o.last = past.Last
		steps = append(steps, o.gap(Trimmed))
	}
	o.missing = o.missing || !past.Complete
	return o.advance(steps)
}

// advance appends those that have waited for what is in steps.
func (o *Order[T]) advance(steps []Step[T]) []Step[T] {
	for len(o.pending) > 0 && o.pending[0].Previous <= o.last {
		if e := o.pending[0]; e.Offset > o.last {
			steps = append(steps, o.step(e))
		}
		o.pending = slices.Delete(o.pending, 0, 1)
	}
	if len(o.pending) == 0 {
		o.pending = nil
	}
	return steps
}

func (o *Order[T]) step(e Entry[T]) Step[T] {
	o.last = e.Offset
	return Step[T]{Epoch: o.epoch, Entry: e}
}

// gap is where the sequence is already: behind what is missing.
func (o *Order[T]) gap(why Gap) Step[T] {
	return Step[T]{Epoch: o.epoch, Gap: why, Entry: Entry[T]{Offset: o.last}}
}
