package channel

import (
	"context"
	"time"
)

// Log is a Transport that can also keep what is sent on a subject, so that who was
// away can read it. A layer with Options.History needs one. Package channeltest
// proves it.
//
// Each subject has a log of its own, whose entries have growing offsets: not
// necessarily one after the other, but never one twice in an epoch. Where that
// cannot be held, for the broker was flushed or has lost its latest entries, the
// epoch becomes another, one that never was. An epoch follows the rules of a group
// name.
//
// A log has nothing to do with Publish and Subscribe of the same subject: what is
// published is not kept, and what is appended comes to those who follow.
type Log interface {
	// Append keeps a payload, brings it to those who follow the subject, and
	// returns its position; the two cannot come apart. It is one round trip. Of
	// what one goroutine appends to one subject the order is kept. keep bounds the
	// log from now on: what is beyond goes, the oldest first, but never the entry
	// that was just appended. After an error it is not known whether the payload is
	// in the log.
	Append(ctx context.Context, subject string, payload []byte, keep Keep) (Position, error)

	// Follow calls deliver with every entry whose Append began after Follow
	// returned. Entries may come more than once and in any order, and after an
	// interruption some may not come at all: Entry.Previous shows it. Calls may
	// overlap. deliver does not block. ctx bounds the subscribing, not the
	// subscription.
	Follow(ctx context.Context, subject string, deliver func(Entry)) (Subscription, error)

	// Since reads no more than limit entries behind a position. With the limit 0 it
	// says what there is. It sees every entry whose Append has returned.
	Since(ctx context.Context, subject string, after Position, limit int) (Past, error)
}

// Entry is one payload in a log.
type Entry struct {
	Position Position

	// Previous is the offset of the entry before this one on its subject, even if
	// that is not kept any more. 0 means that this is the first of its epoch.
	Previous uint64

	Payload []byte
}

// Keep bounds the log of one subject. What is over any of the three goes, the oldest
// first. For a Log each is positive, and the largest number of its type means that
// there is no such bound.
type Keep struct {
	Messages int           // default 1000
	Age      time.Duration // default 10 min
	Bytes    int           // sum of the payloads; default 1 MiB
}

// Past is what a log says of itself.
type Past struct {
	// Epoch of the log. It may be "" while nothing was ever appended.
	Epoch string

	// First and Last are the offsets of the oldest entry that is kept and of the
	// newest that ever was; Last is 0 if there was none, and First is more than Last
	// if none is kept. Asked behind an entry that is kept, a log need not look for an
	// older one, and may say that it is the first.
	First, Last uint64

	// Entries are those behind the position that was asked for, the oldest first. There
	// are none if that is of another epoch; the zero Position is of any.
	Entries []Entry
}
