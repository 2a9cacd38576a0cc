package channel_test

import (
	"testing"

	"github.com/parleygo/parley/channel"
)

// TestNewest: who asks for nothing is told where the group is, and gets what follows.
func TestNewest(t *testing.T) {
	layer := channel.New(channel.Options{History: []channel.HistoryRule{{Pattern: "kept.*"}}})
	defer layer.Close(t.Context())
	send := func(text string) {
		t.Helper()
		message := channel.NewMessage("line", []byte(text))
		if _, err := layer.GroupSend(t.Context(), "kept.room", message); err != nil {
			t.Fatal(err)
		}
	}
	open := func(after channel.Position) (*channel.Inbox, channel.Resumed) {
		t.Helper()
		inbox, err := layer.Open(t.Context(), channel.InboxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var resumed channel.Resumed
		if err := inbox.Resume(t.Context(), "kept.room", after, func(r channel.Resumed) error {
			resumed = r
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return inbox, resumed
	}
	for _, before := range []int{0, 3} {
		for range before {
			send("before")
		}
		inbox, resumed := open(channel.Newest)
		if len(resumed.Messages) != 0 || resumed.Gap != "" || resumed.Position.Epoch == "" {
			t.Errorf("%+v", resumed)
		}
		send("behind")
		if got, err := inbox.Receive(t.Context()); err != nil || string(got.Payload()) != "behind" {
			t.Errorf("received %s, %v", got.Payload(), err)
		}
		inbox.Close()
		inbox, again := open(resumed.Position)
		if missed := again.Messages; again.Gap != "" || len(missed) != 1 ||
			string(missed[0].Payload()) != "behind" {
			t.Errorf("resumed behind it: %+v", again)
		}
		inbox.Close()
	}
	if !layer.Keeps("kept.room") || layer.Keeps("room") {
		t.Error("keeps others than those of the rule")
	}
}
