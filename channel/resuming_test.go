package channel

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// While an inbox resumes in a group no other call can have it join, in whatever way: it
// would get messages twice, or out of order.
func TestJoinsWhileResuming(t *testing.T) {
	layer := New(Options{History: []HistoryRule{{Pattern: "room.*"}}})
	defer layer.Close(t.Context())
	inbox, err := layer.Open(t.Context(), InboxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(Resumed) error { return nil }
	err = inbox.Resume(t.Context(), "room.1", Position{}, func(Resumed) error {
		if err := inbox.Join(t.Context(), "room.1"); !errors.Is(err, errResuming) {
			t.Errorf("joined: %v", err)
		}
		err := inbox.Resume(t.Context(), "room.1", Position{}, nothing)
		if !errors.Is(err, errResuming) {
			t.Errorf("resumed: %v", err)
		}
		inbox.Leave("room.1")
		return inbox.Join(t.Context(), "room.2")
	})
	if err != nil || len(layer.Members("room.1")) != 1 || len(layer.Members("room.2")) != 1 {
		t.Errorf("%v, a member of %v", err, inbox.Groups())
	}
	for range 2 { // afterwards both are possible
		if err := inbox.Join(t.Context(), "room.1"); err != nil {
			t.Error(err)
		}
		if err := inbox.Resume(t.Context(), "room.1", Position{}, nothing); err != nil {
			t.Error(err)
		}
	}
	if err := inbox.Resume(t.Context(), "room.1", Position{}, func(Resumed) error {
		return context.Canceled
	}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := inbox.Join(t.Context(), "room.1"); err != nil {
		t.Errorf("behind one that was given up: %v", err)
	}
}

// Calls at once end, with one membership and nothing twice.
func TestJoinsAndResumesRace(t *testing.T) {
	layer := New(Options{History: []HistoryRule{{Pattern: "room.*"}}})
	defer layer.Close(t.Context())
	for range 200 {
		inbox, err := layer.Open(t.Context(), InboxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		for i := range 4 {
			calls.Go(func() {
				if i%2 == 0 {
					_ = inbox.Join(t.Context(), "room.1")
				} else {
					_ = inbox.Resume(t.Context(), "room.1", Newest, func(Resumed) error { return nil })
				}
			})
		}
		calls.Wait()
		if members := len(layer.Members("room.1")); members != 1 {
			t.Fatalf("%d members", members)
		}
		inbox.Close()
	}
}
