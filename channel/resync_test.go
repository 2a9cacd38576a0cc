package channel_test

import (
	"slices"
	"testing"

	"github.com/parleygo/parley/channel"
)

// B7.13: each inbox that may have missed something is told once of all its groups; a
// kept group catches up instead.
func TestB7_13_Resync(t *testing.T) {
	var broker channel.Broker
	layer := newLayer(t, channel.Options{
		Transport: broker.Connect(), History: keptRules(channel.Keep{})})
	both := open(t, layer, channel.InboxOptions{})
	join(t, both, "b", "a", "room")
	var told []string
	sink := open(t, layer, channel.InboxOptions{Deliver: func(m channel.Message) channel.Verdict {
		told = append(told, m.Type(), string(m.Payload()))
		return channel.Accepted
	}})
	join(t, sink, "a")
	panics := open(t, layer, channel.InboxOptions{
		Deliver: func(channel.Message) channel.Verdict { panic("no") }})
	jobs := open(t, layer, channel.InboxOptions{Name: "jobs"})
	kept := open(t, layer, channel.InboxOptions{})
	join(t, kept, "room")
	broker.Interrupt()
	if want := []string{channel.TypeResync, `{"type":"channel.resync","groups":["a"]}`}; !slices.Equal(told, want) {
		t.Errorf("a sink is told %q", told)
	}
	for in, want := range map[*channel.Inbox][]string{
		both: {`{"type":"channel.resync","groups":["a","b"]}`},
		kept: {`{"type":"channel.resync","groups":[]}`},
		jobs: nil, // what is sent there is shared out
	} {
		if got := unread(t, in); !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	if panics.Err() == nil {
		t.Error("one that panics is open still")
	}
	if got := layer.Stats().Resyncs; got != 4 {
		t.Errorf("%d notices", got)
	}
}

// A kept group over a broker that forgets: members are told of a gap and get all that
// is sent then, without waiting for the next interruption.
func TestLogIsForgotten(t *testing.T) {
	var broker channel.Broker
	options := channel.Options{History: keptRules(channel.Keep{})}
	options.Transport = broker.Connect()
	one := newLayer(t, options)
	options.Transport = broker.Connect()
	two := newLayer(t, options)
	in := open(t, one, channel.InboxOptions{})
	join(t, in, "room")
	groupSend(t, two, "room", "0")
	before, err := in.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	broker.Forget()
	groupSend(t, two, "room", "1")
	gap, err := in.Receive(ctx)
	if err != nil || gap.Type() != channel.TypeGap || gap.Group() != "room" {
		t.Fatalf("%s %q, %v", gap.Type(), gap.Payload(), err)
	}
	after, err := in.Receive(ctx)
	if err != nil || string(after.Payload()) != "1" || after.Position().Epoch == before.Position().Epoch {
		t.Fatalf("%s %q, %v", after.Type(), after.Payload(), err)
	}
	back := open(t, one, channel.InboxOptions{})
	got := resume(t, back, "room", before.Position())
	if got.Gap != channel.GapEpoch || !slices.Equal(texts(got.Messages), []string{"1"}) {
		t.Errorf("%+v", got)
	}
	if stats := one.Stats(); stats.Gaps != 1 {
		t.Errorf("%+v", stats)
	}
}
