// Package feed is the seam between groups and the sockets of their members. What is
// sent to a group of many sockets stands once in a feed, as frames one behind the
// other, and each socket has a place in it. A broadcast costs one append, however
// many members there are; each socket takes what has come since when its turn to
// write comes, in one piece.
//
// What a feed holds counts as taken by every socket that has a place. So it holds no
// more than a window, for which each socket keeps room: one that has none left gives
// its place up, and is handed each message as others are. Feeds hold no memory for
// the sake of a socket that does not read, for such a socket has no place.
//
// Locks are taken in this order: of a mailbox, of a socket, of a group.
package feed

import (
	"context"

	"github.com/parleygo/parley"
)

// Member is an inbox whose owner may have its socket follow a feed. Its methods may
// be called from any goroutine.
type Member interface {
	// Table says which messages go to the socket as they are.
	Table() Table

	// Follow may have a socket take the seat: then it writes what is sent to the
	// group, and the member is not called for it any more. It is called when the
	// member has just been handed a message of that group.
	Follow(Seat)
}

// Table is comparable: members with the same one get the same messages.
type Table interface {
	Forwards(typ string) bool
}

// Seat is a membership in one group.
type Seat interface {
	// Take gives reader a place in the group's feed, behind everything that was
	// sent, or nil where the membership is over.
	Take(Reader) *Place

	// Left is called, with the group's lock held, when the place is given up. It was
	// good for so many messages.
	Left(messages int)
}

// Reader is a socket that has a place. Its methods may be called from any goroutine,
// without the group's lock.
type Reader interface {
	Carrier() Carrier

	// CatchUp writes or queues what has come, without waiting.
	CatchUp()

	// Unfollow gives up the place, if it is that of the reader, when what has come
	// is written or queued.
	Unfollow(*Place)
}

// Follower is a parley.Offerer whose socket can follow a feed.
type Follower interface {
	// Follow may have the socket take the seat.
	Follow(Seat)

	// Unfollow has it give up the place that it has, if any.
	Unfollow()
}

// Carrier is comparable: readers with the same one write the same bytes.
type Carrier interface {
	Frame(*parley.Prepared) []byte

	// Window is how many bytes each reader keeps room for.
	Window() int

	// Call has the feed walked soon, on another goroutine, until it is done. It
	// takes no lock.
	Call(*Feed)
}

// Kind is what readers of one feed have in common.
type Kind struct {
	Carrier Carrier
	Table   Table
}

type key struct{}

// With returns a context that tells who opens an inbox with it.
func With(ctx context.Context, member Member) context.Context {
	return context.WithValue(ctx, key{}, member)
}

// From returns the member of ctx, or nil.
func From(ctx context.Context) Member {
	member, _ := ctx.Value(key{}).(Member)
	return member
}
