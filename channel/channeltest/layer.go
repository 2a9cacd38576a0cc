package channeltest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// RunLayer proves that layers do together what one layer does alone. Each call of
// connect returns one or more new layers that reach each other, as processes of
// one system would; their options may hold a Transport and a Namespace, and
// defaults otherwise. The suite closes them.
func RunLayer(t *testing.T, connect func(t *testing.T) []*channel.Layer) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, cluster cluster)
	}{
		{"B6.1_DirectSend", directSend},
		{"B6.2_GeneralNamesAreShared", generalNames},
		{"B6.4_GroupsReachEveryMemberOnce", groupsReachEveryMember},
		{"B6.4_LeaveAndClose", leaveAndClose},
		{"B6.8_MessagesArriveUnchanged", messagesArriveUnchanged},
		{"B7.5_OrderPerSender", orderPerSender},
		{"E18_Kick", kick},
		{"F5_ResultCountsThisLayer", resultCounts},
		{"BadInput", badInput},
		{"Close", closeLayers},
	} {
		t.Run(test.name, func(t *testing.T) {
			layers := connect(t)
			if len(layers) == 0 {
				t.Fatal("connect returned no layer")
			}
			t.Cleanup(func() { closeAll(t, layers) })
			test.run(t, layers)
		})
	}
}

// cluster is layers that reach each other.
type cluster []*channel.Layer

// closeAll leaves no gauge up and no message unaccounted for.
func closeAll(t *testing.T, layers cluster) {
	for i, layer := range layers {
		if err := layer.Close(context.Background()); err != nil {
			t.Errorf("close layer %d: %v", i, err)
		}
		s := layer.Stats()
		for ctx := patient(t); ctx.Err() == nil && !accounted(s.Stats); { // its goroutines are ending
			time.Sleep(time.Millisecond)
			s = layer.Stats()
		}
		if s.Inboxes+s.Groups+s.Members+s.Unread+s.Subscriptions != 0 {
			t.Errorf("gauges of closed layer %d: %+v", i, s)
		}
		if !accounted(s.Stats) {
			t.Errorf("layer %d has messages unaccounted for: %+v", i, s)
		}
	}
}

func accounted(s channel.Stats) bool {
	return s.Enqueued == s.Received+s.Evicted+s.Coalesced+s.Expired+s.Discarded
}

func open(t *testing.T, layer *channel.Layer, groups ...channel.Group) *channel.Inbox {
	t.Helper()
	inbox, err := layer.Open(patient(t),
		channel.InboxOptions{Capacity: channel.Capacity{Messages: 10_000}})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	for _, group := range groups {
		if err := inbox.Join(patient(t), group); err != nil {
			t.Fatalf("join: %v", err)
		}
	}
	return inbox
}

func text(s string) channel.Message { return channel.NewMessage("text", []byte(s)) }

func receive(t *testing.T, inbox *channel.Inbox) channel.Message {
	t.Helper()
	message, err := inbox.Receive(patient(t))
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	return message
}

func want(t *testing.T, inbox *channel.Inbox, want ...string) {
	t.Helper()
	for _, want := range want {
		if got := string(receive(t, inbox).Payload()); got != want {
			t.Fatalf("received %q, want %q", got, want)
		}
	}
}

func groupSend(
	t *testing.T, layer *channel.Layer, group channel.Group, s string,
) channel.SendResult {
	t.Helper()
	result, err := layer.GroupSend(patient(t), group, text(s))
	if err != nil || result.Matched != result.Enqueued+result.Dropped {
		t.Fatalf("group send: %+v, %v", result, err)
	}
	return result
}

// directSend: every layer reaches every inbox by name. E3: the reference loses
// half of these on two hosts.
func directSend(t *testing.T, layers cluster) {
	for _, to := range layers {
		for range 20 {
			inbox := open(t, to)
			for i, from := range layers {
				if err := from.Send(patient(t), inbox.Name(), text(fmt.Sprint(i))); err != nil {
					t.Fatalf("send: %v", err)
				}
				message := receive(t, inbox)
				if got := string(message.Payload()); got != fmt.Sprint(i) || message.Group() != "" {
					t.Errorf("received %q of %q", got, message.Group())
				}
			}
		}
	}
}

// generalNames: whoever has opened the name, each message goes to one.
func generalNames(t *testing.T, layers cluster) {
	const messages = 200
	name := channel.Name(unique("jobs"))
	got := make(payloads, messages)
	for _, layer := range layers {
		inbox, err := layer.Open(patient(t), channel.InboxOptions{Name: name})
		if errors.Is(err, errors.ErrUnsupported) {
			if err := layer.Send(patient(t), name, text("x")); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("send: %v", err)
			}
			t.Skip(err)
		} else if err != nil {
			t.Fatal(err)
		}
		if _, err := layer.Open(patient(t),
			channel.InboxOptions{Name: name}); !errors.Is(err, channel.ErrTaken) {
			t.Errorf("open twice: %v", err)
		}
		go forward(inbox, got)
	}
	for i := range messages {
		if err := layers[i%len(layers)].Send(patient(t), name, text(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	seen := make(map[string]bool)
	for range messages {
		payload := got.next(t)
		if seen[payload] {
			t.Fatalf("message %s arrived twice", payload)
		}
		seen[payload] = true
	}
}

// forward ends when the suite closes the inbox's layer.
func forward(inbox *channel.Inbox, into payloads) {
	for {
		message, err := inbox.Receive(context.Background())
		if err != nil {
			return
		}
		into <- string(message.Payload())
	}
}

func groupsReachEveryMember(t *testing.T, layers cluster) {
	group, other := channel.Group(unique("room")), channel.Group(unique("other"))
	var members, others []*channel.Inbox
	for _, layer := range layers {
		members = append(members, open(t, layer, group, group), open(t, layer, group))
		others = append(others, open(t, layer, other))
	}
	for i, layer := range layers {
		groupSend(t, layer, group, fmt.Sprint(i))
		for _, inbox := range members {
			message := receive(t, inbox)
			if got := string(message.Payload()); got != fmt.Sprint(i) || message.Group() != group {
				t.Errorf("member received %q of %q", got, message.Group())
			}
		}
	}
	groupSend(t, layers[0], other, "end")
	groupSend(t, layers[0], group, "end")
	for _, inbox := range append(members, others...) {
		want(t, inbox, "end") // nothing before it: neither a second copy nor another group's
	}
}

// leaveAndClose: a message to the group has reached all of a layer's members
// when a later one has reached one of them.
func leaveAndClose(t *testing.T, layers cluster) {
	group := channel.Group(unique("room"))
	last := layers[len(layers)-1]
	stays, leaves, closes := open(t, last, group), open(t, last, group), open(t, last, group)
	leaves.Leave(group)
	leaves.Leave(group)
	closes.Close()
	for range 3 {
		groupSend(t, layers[0], group, "x")
	}
	want(t, stays, "x", "x", "x")
	if stats := leaves.Stats(); stats.Enqueued != 0 {
		t.Errorf("who has left: %+v", stats)
	}
	if stats := closes.Stats(); stats.Enqueued != 0 {
		t.Errorf("who is closed: %+v", stats)
	}
	if err := leaves.Join(patient(t), group); err != nil {
		t.Fatal(err)
	}
	groupSend(t, layers[0], group, "back")
	want(t, leaves, "back")
	if members := last.Members(group); len(members) != 2 {
		t.Errorf("members: %q", members)
	}
}

func messagesArriveUnchanged(t *testing.T, layers cluster) {
	group := channel.Group(unique("room"))
	large := make([]byte, 1<<20)
	for i := range large {
		large[i] = byte(i)
	}
	messages := []channel.Message{
		channel.NewMessage("empty", nil),
		channel.NewMessage("chat.line", []byte("hé\n")),
		channel.FromPrepared("blob", parley.Prepare(parley.Binary(large))),
	}
	for _, layer := range layers {
		inbox := open(t, layer, group)
		for _, sent := range messages {
			if _, err := layers[0].GroupSend(patient(t), group, sent); err != nil {
				t.Fatal(err)
			}
			got := receive(t, inbox)
			sentKind, sentData := sent.Send().Payload()
			gotKind, gotData := got.Send().Payload()
			if got.Type() != sent.Type() || gotKind != sentKind || string(gotData) != string(sentData) {
				t.Errorf("%s came as %s, %v, %d bytes", sent.Type(), got.Type(), gotKind, len(gotData))
			}
		}
		inbox.Close()
	}
}

func orderPerSender(t *testing.T, layers cluster) {
	const messages = 500
	group := channel.Group(unique("room"))
	var inboxes []*channel.Inbox
	for _, layer := range layers {
		inboxes = append(inboxes, open(t, layer, group))
	}
	for i, layer := range layers {
		go func() {
			for n := range messages {
				_, _ = layer.GroupSend(context.Background(), group,
					channel.NewMessage(fmt.Sprint("from", i), fmt.Append(nil, n)))
			}
		}()
	}
	for _, inbox := range inboxes {
		next := make(map[string]int)
		for range messages * len(layers) {
			got := receive(t, inbox)
			if string(got.Payload()) != fmt.Sprint(next[got.Type()]) {
				t.Fatalf("%s sent %s, want %d", got.Type(), got.Payload(), next[got.Type()])
			}
			next[got.Type()]++
		}
	}
}
