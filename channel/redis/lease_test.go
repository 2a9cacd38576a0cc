package redis_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestLeases: the life of an owner's records, as its process and others see it.
func TestLeases(t *testing.T) {
	t.Parallel()
	options := redis.Options{URLs: []string{url(servicetest.StartRedis(t))}}
	own, other := connect(t, options), connect(t, options)
	record := channel.Record{Subject: "room", Key: "a:b", Value: []byte("v w\x00")}
	if err := own.Enter(t.Context(), "t.a",
		[]channel.Record{record}); !errors.Is(err, channel.ErrNoLease) {
		t.Errorf("entered without a lease: %v", err)
	}
	renew(t, own, time.Minute, channel.LeaseNew)
	renew(t, own, time.Minute, channel.LeaseKept)
	for range 2 {
		if err := own.Enter(t.Context(), "t.a", []channel.Record{record}); err != nil {
			t.Fatal(err)
		}
	}
	present(t, other, "room", record)
	renew(t, own, momentary, channel.LeaseKept)
	eventually(t, func() error {
		lapsed, err := other.Lapsed(t.Context())
		if err == nil && len(lapsed) == 0 {
			err = errors.New("it lives")
		}
		if err == nil && (len(lapsed) != 1 || lapsed[0].Owner != "t.a" ||
			!same(lapsed[0].Records, []channel.Record{record})) {
			t.Fatalf("%+v", lapsed)
		}
		return err
	})
	present(t, other, "room")
	renew(t, own, time.Minute, channel.LeaseNew) // the lapsed one is gone
	present(t, other, "room")
	if err := own.Enter(t.Context(), "t.a", []channel.Record{record}); err != nil {
		t.Fatal(err)
	}
	if err := other.Forget(t.Context(), "t.a"); err != nil { // it lives: nothing
		t.Fatal(err)
	}
	present(t, other, "room", record)
	for range 2 {
		if err := own.Exit(t.Context(), "t.a", []channel.Record{record}); err != nil {
			t.Fatal(err)
		}
	}
	present(t, other, "room")
	if err := own.Drop(t.Context(), "t.a"); err != nil {
		t.Fatal(err)
	}
	renew(t, own, time.Minute, channel.LeaseNew)
}

// TestForgottenLease is gone with what it had.
func TestForgottenLease(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	transport := connect(t, redis.Options{URLs: []string{url(server)}})
	renew(t, transport, momentary, channel.LeaseNew)
	renew(t, transport, time.Minute, channel.LeaseNew)
	record := channel.Record{Subject: "room", Key: "k"}
	if err := transport.Enter(t.Context(), "t.a", []channel.Record{record}); err != nil {
		t.Fatal(err)
	}
	renew(t, transport, momentary, channel.LeaseKept)
	eventually(t, func() error {
		if err := transport.Forget(t.Context(), "t.a"); err != nil {
			t.Fatal(err)
		}
		if keys := server.Must("DBSIZE"); keys != ":0" {
			return errors.New(keys)
		}
		return nil
	})
}

// TestManyRecords of one owner are few round trips.
func TestManyRecords(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	transport := connect(t, redis.Options{URLs: []string{url(server)}})
	renew(t, transport, time.Minute, channel.LeaseNew)
	var records []channel.Record
	for i := range 10_000 {
		records = append(records, channel.Record{
			Subject: fmt.Sprint("room", i%3), Key: fmt.Sprint(i), Value: []byte("name")})
	}
	server.Must("CONFIG", "RESETSTAT")
	if err := transport.Enter(t.Context(), "t.a", records); err != nil {
		t.Fatal(err)
	}
	renew(t, transport, time.Minute, channel.LeaseKept)
	if calls := server.Line("INFO commandstats", "cmdstat_evalsha:"); len(calls) < 9 ||
		calls[:9] != "calls=21," {
		t.Errorf("round trips: %s", calls)
	}
	present(t, transport, "room1", slices.DeleteFunc(slices.Clone(records),
		func(r channel.Record) bool { return r.Subject != "room1" })...)
	if err := transport.Drop(t.Context(), "t.a"); err != nil {
		t.Fatal(err)
	}
	if keys := server.Must("DBSIZE"); keys != ":0" {
		t.Errorf("%s keys are left", keys)
	}
}

// momentary is the life of a lease that is to lapse, once all is there that hangs on it.
const momentary = time.Millisecond

func renew(t *testing.T, transport *redis.Transport, life time.Duration, want channel.LeaseState) {
	t.Helper()
	if want == channel.LeaseNew {
		time.Sleep(2 * momentary)
	}
	if got, err := transport.Renew(t.Context(), "t.a", life); err != nil || got != want {
		t.Fatalf("the lease is %v, %v, want %v", got, err, want)
	}
}

func present(t *testing.T, transport *redis.Transport, subject string, want ...channel.Record) {
	t.Helper()
	got, err := transport.Present(t.Context(), subject)
	if err != nil || !same(got, want) {
		t.Fatalf("%d present, %v, want %d", len(got), err, len(want))
	}
}

// same reports whether two lists have the same records, in any order.
func same(got, want []channel.Record) bool {
	texts := func(records []channel.Record) (all []string) {
		for _, r := range records {
			all = append(all, fmt.Sprintf("%s %s %q", r.Subject, r.Key, r.Value))
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(texts(got), texts(want))
}
