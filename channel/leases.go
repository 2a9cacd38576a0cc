package channel

import (
	"context"
	"time"
)

// Leases is a Transport that can also keep records under the lease of a process.
// Presence over a transport needs one: see Inbox.Enter. Package channeltest proves it.
//
// A lease lives until its time has run out by the broker's clock; clocks of
// processes play no part. Then it is lapsed: its records are present no more, but
// stay readable by Lapsed, so that survivors can say who has gone, until Forget.
// An owner's name follows the rules of a subject, and begins with the namespace of its
// system and a dot.
type Leases interface {
	// Renew gives the owner's lease this life from now on, and says what has become
	// of it. One that has lapsed is never LeaseKept, whether somebody has forgotten
	// it or not: the owner has a new one then, without records, and the lapsed one
	// is gone.
	Renew(ctx context.Context, owner string, life time.Duration) (LeaseState, error)

	// Enter writes records under the lease of their owner. A record that is there is
	// replaced. Without a lease that lives nothing is written, and the error is
	// ErrNoLease. Many records are one round trip, or few.
	Enter(ctx context.Context, owner string, records []Record) error

	// Exit removes records by subject and key. Those that are not there do not
	// matter.
	Exit(ctx context.Context, owner string, records []Record) error

	// Present returns the records of a subject whose leases live, in no order.
	Present(ctx context.Context, subject string) ([]Record, error)

	// Lapsed returns the leases that have lapsed, with their records. Those of other
	// systems may be among them.
	Lapsed(ctx context.Context) ([]LapsedLease, error)

	// Forget removes a lapsed lease with its records, and does nothing to one that
	// lives.
	Forget(ctx context.Context, owner string) error

	// Drop removes the lease of an owner that goes, with its records. Nobody sees it
	// lapse.
	Drop(ctx context.Context, owner string) error
}

// LeaseState is what has become of a lease when it is renewed.
type LeaseState uint8

const (
	// LeaseKept: it lives, and its records are there.
	LeaseKept LeaseState = iota

	// LeaseNew: the owner had none, or that had lapsed. It has no records.
	LeaseNew

	// LeaseForgotten: the owner had one that cannot have lapsed, and the broker has
	// lost its memory. It has no records, and nobody was told that their owners had
	// gone.
	LeaseForgotten
)

func (s LeaseState) String() string {
	switch s {
	case LeaseKept:
		return "kept"
	case LeaseNew:
		return "new"
	case LeaseForgotten:
		return "forgotten"
	}
	return "unknown state"
}

// Record is what an owner keeps under its lease. A key is one owner's.
type Record struct {
	Subject string // as that of Publish
	Key     string // as that of a group
	Value   []byte
}

// LapsedLease is a lease that has run out.
type LapsedLease struct {
	Owner   string
	Records []Record
}
