package channeltest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
)

const (
	longLife  = time.Minute
	shortLife = 50 * time.Millisecond // of a lease that is to lapse, when all is in it
)

func asLeases(t *testing.T, transport channel.Transport) channel.Leases {
	t.Helper()
	leases, ok := transport.(channel.Leases)
	if !ok {
		t.Fatalf("%T has no channel.Leases any more", transport)
	}
	return leases
}

func renew(
	t *testing.T, leases channel.Leases, owner string, life time.Duration, want channel.LeaseState,
) {
	t.Helper()
	if state, err := leases.Renew(patient(t), owner, life); err != nil || state != want {
		t.Fatalf("renew: %v, %v; want %v", state, err, want)
	}
}

func enter(t *testing.T, leases channel.Leases, owner string, records ...channel.Record) {
	t.Helper()
	if err := leases.Enter(patient(t), owner, records); err != nil {
		t.Fatalf("enter: %v", err)
	}
}

// present compares what is there with "key=value".
func present(t *testing.T, leases channel.Leases, subject string, want ...string) {
	t.Helper()
	records, err := leases.Present(patient(t), subject)
	if err != nil {
		t.Fatalf("present: %v", err)
	}
	got := make([]string, 0, len(records))
	for _, r := range records {
		if r.Subject != subject {
			t.Errorf("present: a record of %s in %s", r.Subject, subject)
		}
		got = append(got, r.Key+"="+string(r.Value))
	}
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Fatalf("present: %.300q, want %.300q", got, want)
	}
}

// lapsed returns the records of an owner's lease that has lapsed, and whether there is
// one.
func lapsed(t *testing.T, leases channel.Leases, owner string) ([]channel.Record, bool) {
	t.Helper()
	all, err := leases.Lapsed(patient(t))
	if err != nil {
		t.Fatalf("lapsed: %v", err)
	}
	for _, l := range all {
		if l.Owner == owner {
			slices.SortFunc(l.Records, func(a, b channel.Record) int { return cmp.Compare(a.Key, b.Key) })
			return l.Records, true
		}
	}
	return nil, false
}

func leasesKeepRecords(t *testing.T, connect func() channel.Transport) {
	a, b := asLeases(t, connect()), asLeases(t, connect())
	one, two, subject, other := unique("t"), unique("t"), unique("t.group"), unique("t.other")
	err := a.Enter(patient(t), one, []channel.Record{{Subject: subject, Key: "x"}})
	if !errors.Is(err, channel.ErrNoLease) {
		t.Errorf("enter without a lease: %v", err)
	}
	renew(t, a, one, longLife, channel.LeaseNew)
	renew(t, b, two, longLife, channel.LeaseNew)
	renew(t, a, one, longLife, channel.LeaseKept)
	enter(t, a, one, channel.Record{Subject: subject, Key: "a", Value: []byte("1")},
		channel.Record{Subject: subject, Key: "b", Value: []byte{0, 255, '\n'}},
		channel.Record{Subject: other, Key: "a", Value: []byte("else")})
	enter(t, b, two, channel.Record{Subject: subject, Key: "c"})
	enter(t, a, one, channel.Record{Subject: subject, Key: "a", Value: []byte("2")})
	present(t, b, subject, "a=2", "b=\x00\xff\n", "c=")
	gone := []channel.Record{{Subject: subject, Key: "a"}, {Subject: subject, Key: "never"}}
	for range 2 {
		if err := a.Exit(patient(t), one, gone); err != nil {
			t.Errorf("exit: %v", err)
		}
	}
	present(t, b, subject, "b=\x00\xff\n", "c=")
	present(t, b, other, "a=else")
	if err := b.Forget(patient(t), one); err != nil { // it lives
		t.Errorf("forget: %v", err)
	}
	renew(t, a, one, longLife, channel.LeaseKept)
	for range 2 {
		if err := a.Drop(patient(t), one); err != nil {
			t.Errorf("drop: %v", err)
		}
	}
	present(t, b, subject, "c=")
	present(t, b, other)
	renew(t, a, one, longLife, channel.LeaseNew)
	for leases, owner := range map[channel.Leases]string{a: one, b: two} {
		if err := leases.Drop(patient(t), owner); err != nil {
			t.Errorf("drop: %v", err)
		}
	}
}

func leasesHoldMany(t *testing.T, connect func() channel.Transport) {
	a, b := asLeases(t, connect()), asLeases(t, connect())
	owner, subject := unique("t"), unique("t.many")
	renew(t, a, owner, longLife, channel.LeaseNew)
	var records []channel.Record
	var want []string
	for i := range 3000 {
		records = append(records,
			channel.Record{Subject: subject, Key: fmt.Sprint(i), Value: fmt.Append(nil, i)})
		want = append(want, fmt.Sprintf("%d=%d", i, i))
	}
	enter(t, a, owner, records...)
	present(t, b, subject, want...)
	if err := a.Exit(patient(t), owner, records); err != nil {
		t.Errorf("exit: %v", err)
	}
	present(t, b, subject)
	if err := a.Drop(patient(t), owner); err != nil {
		t.Errorf("drop: %v", err)
	}
}

func leasesLapse(t *testing.T, connect func() channel.Transport) {
	a, b := asLeases(t, connect()), asLeases(t, connect())
	dies, returns, subject := unique("t"), unique("t"), unique("t.group")
	for _, owner := range []string{dies, returns} {
		renew(t, a, owner, longLife, channel.LeaseNew)
		enter(t, a, owner, channel.Record{Subject: subject, Key: owner, Value: []byte("v")})
		if _, yes := lapsed(t, b, owner); yes {
			t.Error("one that lives has lapsed")
		}
		renew(t, a, owner, shortLife, channel.LeaseKept)
	}
	eventually(t, "both lapse", func() bool {
		_, one := lapsed(t, b, dies)
		_, two := lapsed(t, b, returns)
		return one && two
	})
	present(t, b, subject)
	records, _ := lapsed(t, b, dies)
	if len(records) != 1 || records[0].Subject != subject || string(records[0].Value) != "v" {
		t.Errorf("records of one that has lapsed: %+v", records)
	}
	err := a.Enter(patient(t), returns, []channel.Record{{Subject: subject, Key: "x"}})
	if !errors.Is(err, channel.ErrNoLease) {
		t.Errorf("enter when it has lapsed: %v", err)
	}
	renew(t, a, returns, longLife, channel.LeaseNew)
	present(t, b, subject)
	for _, owner := range []string{dies, dies, returns} { // the last one lives again
		if err := b.Forget(patient(t), owner); err != nil {
			t.Errorf("forget: %v", err)
		}
		if _, yes := lapsed(t, b, owner); yes {
			t.Error("it has lapsed still")
		}
	}
	renew(t, a, dies, longLife, channel.LeaseNew)
	renew(t, a, returns, longLife, channel.LeaseKept)
	for _, owner := range []string{dies, returns} {
		if err := a.Drop(patient(t), owner); err != nil {
			t.Errorf("drop: %v", err)
		}
	}
}
