package channel

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
)

// While an inbox resumes in a group no other call can have it join, in whatever way: it
// would get messages twice, or out of order, and end with a Resume that fails.
func TestJoinsWhileResuming(t *testing.T) {
	for name, rules := range map[string][]HistoryRule{
		"kept": {{Pattern: "room.*"}}, "not kept": nil,
	} {
		t.Run(name, func(t *testing.T) { joinWhileResuming(t, Options{History: rules}) })
	}
}

func joinWhileResuming(t *testing.T, options Options) {
	layer := New(options)
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
		if layer.Keeps("room.1") { // else it is a member by now
			inbox.Leave("room.1")
		}
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

// However first ends, and whatever ends meanwhile, no membership, subscription or reader
// is left behind.
func TestNothingStaysOfAResumeThatFails(t *testing.T) {
	for how, first := range map[string]func(*Layer, *Inbox){
		"panic":        func(*Layer, *Inbox) { panic("no") },
		"Goexit":       func(*Layer, *Inbox) { runtime.Goexit() },
		"inbox closed": func(_ *Layer, in *Inbox) { in.Close() },
		"layer closed": func(l *Layer, _ *Inbox) { _ = l.Close(context.Background()) },
	} {
		for where, options := range map[string]Options{
			"memory": {}, "transport": {Transport: new(Broker).Connect()},
		} {
			t.Run(how+"/"+where, func(t *testing.T) {
				options.History = []HistoryRule{{Pattern: "room.*"}}
				layer := New(options)
				defer layer.Close(t.Context())
				inbox, err := layer.Open(t.Context(), InboxOptions{})
				if err != nil {
					t.Fatal(err)
				}
				var reader *kept
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					defer func() { _ = recover() }()
					err := inbox.Resume(t.Context(), "room.1", Position{}, func(Resumed) error {
						reader = layer.keptNow("room.1")
						first(layer, inbox)
						return nil
					})
					if !errors.Is(err, ErrClosed) {
						t.Errorf("resumed: %v", err)
					}
				}()
				<-ended
				if inbox.resuming != nil || len(reader.resuming) != 0 || len(layer.Members("room.1")) != 0 {
					t.Errorf("resuming %v, %d", inbox.resuming, len(reader.resuming))
				}
				inbox.Close()
				if layer.wire == nil {
					if users := layer.shelves.logs["room.1"].users; users != 0 {
						t.Errorf("%d users", users)
					}
				} else if left := layer.wire.subscriptions(); left != 0 || reader.ctx.Err() == nil {
					t.Errorf("%d subscriptions", left)
				}
			})
		}
	}
}

// Flush while an inbox resumes ends the other memberships: this one begins behind it.
func TestFlushWhileResuming(t *testing.T) {
	layer := New(Options{History: []HistoryRule{{Pattern: "room.*"}}})
	defer layer.Close(t.Context())
	inbox, err := layer.Open(t.Context(), InboxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := inbox.Resume(t.Context(), "room.1", Position{}, func(Resumed) error {
		layer.Flush()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	result, err := layer.GroupSend(t.Context(), "room.1", NewMessage("line", []byte("x")))
	if got, _ := inbox.Receive(t.Context()); err != nil || result.Enqueued != 1 ||
		string(got.Payload()) != "x" || got.Position().Offset != 1 {
		t.Errorf("%v, %+v, %s", err, result, got.Payload())
	}
}
