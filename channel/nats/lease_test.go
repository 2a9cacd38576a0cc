package nats_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
)

func TestLeases(t *testing.T) {
	everywhere(t, func(t *testing.T, dial func(t *testing.T) *nats.Transport) {
		a, b := dial(t), dial(t)
		records := []channel.Record{{Subject: "parley.group.x", Key: "m1", Value: []byte("1")},
			{Subject: "parley.group.x", Key: "m2!", Value: []byte("2")}, {Subject: "y", Key: "m1", Value: nil}}
		if err := a.Enter(patient(t), "parley.a", records); !errors.Is(err, channel.ErrNoLease) {
			t.Fatalf("without a lease: %v", err)
		}
		for _, want := range []channel.LeaseState{channel.LeaseNew, channel.LeaseKept} {
			if state, err := a.Renew(patient(t), "parley.a", 500*time.Millisecond); err != nil || state != want {
				t.Fatalf("%v, %v", state, err)
			}
		}
		if err := a.Enter(patient(t), "parley.a", records); err != nil {
			t.Fatal(err)
		}
		present := func(want int) []channel.Record {
			got, err := b.Present(patient(t), "parley.group.x")
			if err != nil || len(got) != want {
				t.Errorf("present: %v, %v, want %d", got, err, want)
			}
			return got
		}
		present(2)
		if err := a.Exit(patient(t), "parley.a", records[:1]); err != nil {
			t.Fatal(err)
		}
		if got := present(1); len(got) == 1 && (got[0].Key != "m2!" || string(got[0].Value) != "2") {
			t.Errorf("%+v", got)
		}
		for {
			lapsed, err := b.Lapsed(patient(t))
			if err != nil {
				t.Fatal(err)
			}
			if len(lapsed) == 1 {
				if lapsed[0].Owner != "parley.a" || len(lapsed[0].Records) != 2 {
					t.Errorf("%+v", lapsed)
				}
				break
			}
		}
		present(0)
		if state, err := a.Renew(patient(t), "parley.a", time.Minute); err != nil || state != channel.LeaseNew {
			t.Fatalf("after it lapsed: %v, %v", state, err)
		}
		if err := b.Forget(patient(t), "parley.a"); err != nil {
			t.Fatal(err)
		}
		if err := a.Enter(patient(t), "parley.a", records); err != nil {
			t.Fatal(err)
		}
		present(2)
		if err := a.Drop(patient(t), "parley.a"); err != nil {
			t.Fatal(err)
		}
		present(0)
		fmt.Println("ok")
	})
}
