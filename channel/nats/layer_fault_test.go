package nats_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestKeptGroupsSurviveTheServer: the server dies twice under load. Who is in a kept group
// gets all that was accepted, once and in order, and is told of no gap.
func TestKeptGroupsSurviveTheServer(t *testing.T) {
	server := servicetest.StartNATS(t)
	layer := func() *channel.Layer {
		l := channel.New(channel.Options{
			Transport: connect(t, nats.Options{Servers: []string{server.URL}}),
			History:   []channel.HistoryRule{{Pattern: "room", Keep: channel.Keep{Messages: -1, Bytes: -1}}},
			Logger:    silent,
		})
		t.Cleanup(func() { _ = l.Close(context.Background()) })
		return l
	}
	here, there := layer(), layer()
	inbox, err := there.Open(patient(t), channel.InboxOptions{
		Capacity: channel.Capacity{Messages: -1, Bytes: -1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := inbox.Join(patient(t), "room"); err != nil {
		t.Fatal(err)
	}
	var accepted []int
	refused := 0
	send := func(number int) {
		_, err := here.GroupSend(patient(t), "room", channel.NewMessage("n", fmt.Append(nil, number)))
		if err == nil {
			accepted = append(accepted, number)
		} else {
			refused++
			time.Sleep(time.Millisecond)
		}
	}
	number := 0
	for range 2 {
		for range 100 {
			send(number)
			number++
		}
		server.Kill()
		for range 5 {
			send(number)
			number++
		}
		server.Restart()
		for before := len(accepted); len(accepted) < before+100; number++ {
			send(number)
		}
	}
	receiveAll(t, inbox, accepted)
	t.Logf("%d accepted, %d refused", len(accepted), refused)
}

// receiveAll fails unless the numbers come, in order, perhaps with others between them
// that come once as well.
func receiveAll(t *testing.T, inbox *channel.Inbox, numbers []int) {
	t.Helper()
	last := -1
	for len(numbers) > 0 {
		message, err := inbox.Receive(patient(t))
		if err != nil {
			t.Fatalf("%d are missing, the next is %d: %v", len(numbers), numbers[0], err)
		}
		if message.Type() == channel.TypeResync { // what was for the inbox alone may be lost
			continue
		}
		number, err := strconv.Atoi(string(message.Payload()))
		if err != nil || number <= last {
			t.Fatalf("%s after %d", message.Payload(), last)
		}
		if last = number; number == numbers[0] {
			numbers = numbers[1:]
		} else if number > numbers[0] {
			t.Fatalf("%d is missing", numbers[0])
		}
	}
}

// TestPresenceOverNATS: who is in a group is known in both layers, also when the server has
// forgotten it, and who goes is gone.
func TestPresenceOverNATS(t *testing.T) {
	server := servicetest.StartNATS(t)
	layer := func() *channel.Layer {
		l := channel.New(channel.Options{
			Transport: connect(t, nats.Options{Servers: []string{server.URL}}), Logger: silent})
		t.Cleanup(func() { _ = l.Close(context.Background()) })
		return l
	}
	here, there := layer(), layer()
	group := channel.Group("room")
	enter := func(l *channel.Layer, show string) *channel.Inbox {
		t.Helper()
		inbox, err := l.Open(patient(t), channel.InboxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := inbox.Enter(patient(t), group, show); err != nil {
			t.Fatal(err)
		}
		return inbox
	}
	enter(here, "ann")
	bob := enter(there, "bob")
	both := func() bool {
		for _, l := range []*channel.Layer{here, there} {
			if members, err := l.Present(patient(t), group); err != nil || len(members) != 2 {
				return false
			}
		}
		return true
	}
	until(t, "both", both)
	server.Kill()
	server.Restart()
	until(t, "both again, when the server has forgotten them", both)
	bob.Close()
	until(t, "one", func() bool {
		members, err := here.Present(patient(t), group)
		return err == nil && len(members) == 1 && string(members[0].Show) == `"ann"`
	})
}

// TestStoreIsWiped: the server comes back without anything. All are told: of a gap in what
// is kept, of another epoch, and that something else may be missing; and nobody leaves.
func TestStoreIsWiped(t *testing.T) {
	server := servicetest.StartNATS(t)
	var layers []*channel.Layer
	var inboxes []*channel.Inbox
	for range 2 {
		l := channel.New(channel.Options{Transport: connect(t, nats.Options{Servers: []string{server.URL}}),
			History: []channel.HistoryRule{{Pattern: "kept"}}, Logger: silent})
		t.Cleanup(func() { _ = l.Close(context.Background()) })
		inbox, err := l.Open(patient(t), channel.InboxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range []channel.Group{"kept", "loose"} {
			if err := inbox.Join(patient(t), group); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := inbox.Enter(patient(t), "loose", "me"); err != nil {
			t.Fatal(err)
		}
		layers, inboxes = append(layers, l), append(inboxes, inbox)
	}
	line := channel.NewMessage("line", []byte("x"))
	send := func() {
		until(t, "sent", func() bool { _, err := layers[0].GroupSend(patient(t), "kept", line); return err == nil })
	}
	send()
	var before []channel.Position
	for _, inbox := range inboxes {
		before = append(before, receiveUntil(t, inbox, "line").Position())
	}
	server.Kill()
	server.Wipe()
	server.Restart()
	for _, inbox := range inboxes {
		if m := receiveUntil(t, inbox, channel.TypeResync); !strings.Contains(string(m.Payload()), `"loose"`) {
			t.Errorf("resync: %s", m.Payload())
		}
	}
	send()
	for i, inbox := range inboxes {
		receiveUntil(t, inbox, channel.TypeGap)
		if m := receiveUntil(t, inbox, "line"); m.Position().Epoch == before[i].Epoch {
			t.Errorf("%v after %v", m.Position(), before[i])
		}
	}
	for _, l := range layers {
		until(t, "both present again", func() bool {
			members, err := l.Present(patient(t), "loose")
			return err == nil && len(members) == 2
		})
	}
}

// receiveUntil returns the next message of a type. Nobody may leave before.
func receiveUntil(t *testing.T, inbox *channel.Inbox, kind string) channel.Message {
	t.Helper()
	for {
		m, err := inbox.Receive(patient(t))
		switch {
		case err != nil:
			t.Fatalf("no %s: %v", kind, err)
		case m.Type() == kind:
			return m
		case m.Type() == channel.TypeLeave:
			t.Errorf("somebody has left: %s", m.Payload())
		}
	}
}
