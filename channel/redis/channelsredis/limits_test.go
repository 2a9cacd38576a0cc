package channelsredis

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/servicetest"
)

// What is no message is counted by the layer and skipped, and the next one arrives.
func TestBadMessagesAreCounted(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			p := newPair(t, k, settings[0])
			inbox := p.member(t, p.layer, "room")
			key := "asgi__group__room"
			if k.name == "core" {
				key = p.keyOf(t, "room")
			}
			for i := range 3 {
				p.do("publish", m{"name": key, "data": m{"base64": []string{"", "AAAA", "gaR0eXBl"}[i]}})
			}
			p.do("group_send", m{"group": "room", "message": m{"kind": "without a type"}})
			p.do("group_send", m{"group": "room", "message": m{"type": "no name of ours"}})
			p.do("group_send", m{"group": "room", "message": m{"type": "chat.line"}})
			if got := receive(t, inbox); got.Type() != "chat.line" {
				t.Errorf("received %s", got.Type())
			}
			if bad := p.layer.Stats().BadEnvelopes; bad != 5 {
				t.Errorf("%d messages were counted as bad, want 5", bad)
			}
		})
	}
}

// keyOf is where messages of a group lie for the one layer that is in it.
func (p *pair) keyOf(t *testing.T, group string) string {
	t.Helper()
	transport, err := Core(p.options)
	if err != nil {
		t.Fatal(err)
	}
	defer transport.Close(t.Context())
	names, err := transport.(*core).members(t.Context(), group)
	if err != nil || len(names) != 1 {
		t.Fatalf("members %v, %v", names, err)
	}
	return "asgi" + nonLocal(names[0])
}

func TestNobodyListens(t *testing.T) {
	p := newPair(t, kinds[0], settings[1])
	line := channel.NewMessage("t", nil)
	err := p.layer.Send(t.Context(), "asgispecific.gone", line)
	if !errors.Is(err, channel.ErrNoInbox) {
		t.Errorf("send to nobody: %v", err)
	}
	if _, err := p.layer.GroupSend(t.Context(), "empty", line); err != nil {
		t.Errorf("send to an empty group: %v", err)
	}
	_, err = p.layer.Open(t.Context(), channel.InboxOptions{Name: "jobs"})
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("open of a general name: %v", err)
	}
}

func TestRefusedSends(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			p := newPair(t, k, settings[0])
			other := channel.NewMessage("t", []byte(`{"type":"other"}`))
			_, err := p.layer.GroupSend(t.Context(), "room", other)
			if !errors.Is(err, parley.ErrInvalidPayload) {
				t.Errorf("a message with two types: %v", err)
			}
			long := channel.Group(strings.Repeat("x", channel.MaxName))
			inbox := p.member(t, p.layer, "")
			err = inbox.Join(t.Context(), long)
			if k.name == "core" && !errors.Is(err, channel.ErrName) || k.name == "pubsub" && err != nil {
				t.Errorf("join of a long group: %v", err)
			}
		})
	}
}

// Of core capacities hold, and general names are shared out.
func TestFull(t *testing.T) {
	p := newPair(t, kinds[1], settings[0])
	var full []channel.Group
	p.options.Rules = []Rule{{"jobs", 3}, {"specific.*", 2}}
	p.options.OnFull = func(group channel.Group, processes int) {
		full = append(full, group)
		if processes != 1 {
			t.Errorf("%d processes are full", processes)
		}
	}
	layer := p.newLayer(t)
	line := channel.NewMessage("t", nil)
	for i := range 4 {
		err := layer.Send(t.Context(), "jobs", line)
		if (i == 3) != errors.Is(err, channel.ErrFull) || i < 3 && err != nil {
			t.Errorf("send %d: %v", i, err)
		}
	}
	inbox, err := layer.Open(t.Context(), channel.InboxOptions{Name: "jobs"})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		receive(t, inbox)
	}
	p.do("send", m{"name": "jobs", "message": m{"type": "job"}})
	if got := receive(t, inbox); got.Type() != "job" {
		t.Errorf("received %s", got.Type())
	}
	inbox.Close()

	p.do("absent", m{"group": "room"})
	for range 3 {
		if _, err := layer.GroupSend(t.Context(), "room", line); err != nil {
			t.Fatal(err)
		}
	}
	if len(full) != 1 || full[0] != "room" {
		t.Errorf("told of %v", full)
	}
}

// A worker of Channels receives what a layer sends to a general name.
func TestWorker(t *testing.T) {
	p := newPair(t, kinds[1], settings[0])
	p.do("open", m{"name": "thumbnails"})
	resize := channel.NewMessage("resize", []byte(`{"id":7}`))
	if err := p.layer.Send(t.Context(), "thumbnails", resize); err != nil {
		t.Fatal(err)
	}
	if e := p.next(); !same(t, string(e.Message), `{"type":"resize","id":7}`) {
		t.Errorf("the worker received %s", e.Message)
	}
}

// Who reads from a general name is told when the host was lost, and Close ends reading
// that nobody has ended.
func TestGeneralName(t *testing.T) {
	running := goleak.IgnoreCurrent()
	server := servicetest.StartRedis(t)
	transport, err := Core(Options{Hosts: []string{"redis://" + server.Addr},
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan []string, 10)
	transport.(channel.Interrupter).OnInterrupt(func(subjects []string) {
		if len(subjects) > 0 {
			told <- subjects
		}
	})
	const subject = "parley.channel.jobs"
	queues := transport.(channel.QueueSubscriber)
	if _, err := queues.QueueSubscribe(t.Context(), subject, func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	server.Restart()
	select {
	case got := <-told:
		if !slices.Equal(got, []string{subject}) {
			t.Errorf("told of %q", got)
		}
	case <-time.After(30 * time.Second):
		t.Error("nobody is told")
	}
	if err := transport.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	goleak.VerifyNone(t, running)
}

// The rights that the package's comment names are enough.
func TestRights(t *testing.T) {
	rights := map[string][]string{
		"pubsub": {"&*", "-@all", "+@pubsub", "+ping"},
		"core": {"~asgi*", "&asgi__parley", "-@all", "+@pubsub", "+@scripting", "+@sortedset",
			"+expire", "+time", "+ping"},
	}
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			server := servicetest.StartRedis(t)
			server.Must(append([]string{"ACL", "SETUSER", "app", "reset", "on", ">secret"},
				rights[k.name]...)...)
			p := &pair{kind: k, options: Options{Hosts: []string{"redis://app:secret@" + server.Addr},
				Logger: slog.New(slog.DiscardHandler)}}
			a, b := p.newLayer(t), p.newLayer(t)
			inbox := p.member(t, b, "room")
			line := channel.NewMessage("line", nil)
			if _, err := a.GroupSend(t.Context(), "room", line); err != nil {
				t.Fatal(err)
			}
			receive(t, inbox)
			if err := a.Send(t.Context(), inbox.Name(), line); err != nil {
				t.Fatal(err)
			}
			receive(t, inbox)
			if k.name == "pubsub" {
				return
			}
			jobs, err := b.Open(t.Context(), channel.InboxOptions{Name: "jobs"})
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Send(t.Context(), "jobs", line); err != nil {
				t.Fatal(err)
			}
			receive(t, jobs)
			inbox.Leave("room")
		})
	}
}

// The peer cannot read what is encrypted with a foreign key, nor can the layer.
func TestForeignKey(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := settings[3]
			s.options.Keys = []string{"stranger"}
			p := newPair(t, k, s)
			p.member(t, p.layer, "room")
			p.do("open", m{"groups": []string{"room"}})
			if _, err := p.layer.GroupSend(t.Context(), "room", channel.NewMessage("t", nil)); err != nil {
				t.Fatal(err)
			}
			if e := p.next(); !e.Invalid {
				t.Errorf("the peer received %s", e.Message)
			}
			p.do("group_send", m{"group": "room", "message": m{"type": "t"}})
			await(t, func() error {
				if bad := p.layer.Stats().BadEnvelopes; bad != 1 {
					return fmt.Errorf("%d messages were counted as bad", bad)
				}
				return nil
			})
		})
	}
}

// Leaving a group and closing the layer leave nothing in Redis.
func TestNothingStays(t *testing.T) {
	p := newPair(t, kinds[1], settings[1])
	layer := p.newLayer(t)
	p.member(t, layer, "room1")
	inbox := p.member(t, layer, "room2")
	inbox.Leave("room2")
	if err := layer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, server := range p.servers {
		if got := server.Must("DBSIZE"); got != ":0" {
			t.Errorf("%s keys stay", got)
		}
	}
}

// Who is left out is left out wherever it is; in Django all get the message.
func TestOthers(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			p := newPair(t, k, settings[1])
			other := p.newLayer(t)
			out, in := p.member(t, other, "room"), p.member(t, other, "room")
			p.do("open", m{"groups": []string{"room"}})
			first, last := channel.NewMessage("first", nil), channel.NewMessage("last", nil)
			if _, err := p.layer.GroupSendExcept(t.Context(), "room", first, out.Name()); err != nil {
				t.Fatal(err)
			}
			if _, err := p.layer.GroupSend(t.Context(), "room", last); err != nil {
				t.Fatal(err)
			}
			if got := receive(t, in); got.Type() != "first" {
				t.Errorf("the other receives %s", got.Type())
			}
			if got := receive(t, out); got.Type() != "last" {
				t.Errorf("who is left out receives %s", got.Type())
			}
			if e := p.next(); !same(t, string(e.Message), `{"type":"first","text":""}`) {
				t.Errorf("the peer receives %s", e.Message)
			}
		})
	}
}
