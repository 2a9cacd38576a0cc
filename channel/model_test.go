package channel_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/parleygo/parley/channel"
)

// model is the layer as one would explain it: maps, slices, no locks.
type model struct {
	unread map[*channel.Inbox][]string
	groups map[channel.Group]map[*channel.Inbox]bool
	policy map[*channel.Inbox]channel.Policy
}

const modelCapacity = 3

// put returns what the layer should do with one message for one inbox.
func (m *model) put(inbox *channel.Inbox, s string) bool {
	queue, policy := m.unread[inbox], m.policy[inbox]
	if policy == channel.Coalesce { // the key is the first byte
		if i := slices.IndexFunc(queue, func(old string) bool { return old[0] == s[0] }); i >= 0 {
			queue[i] = s
			return true
		}
	}
	if len(queue) == modelCapacity {
		if policy != channel.DropOldest && policy != channel.Coalesce {
			return false
		}
		queue = queue[1:]
	}
	m.unread[inbox] = append(queue, s)
	return true
}

func (m *model) groupSend(group channel.Group, s string) (result channel.SendResult) {
	for inbox := range maps.Clone(m.groups[group]) {
		result.Matched++
		if m.put(inbox, s) {
			result.Enqueued++
			continue
		}
		result.Dropped++
		if m.policy[inbox] == channel.CloseSlow {
			m.close(inbox)
		}
	}
	return result
}

func (m *model) close(inbox *channel.Inbox) {
	delete(m.unread, inbox)
	for _, members := range m.groups {
		delete(members, inbox)
	}
}

// TestModel does the same random things to a layer and to the model.
func TestModel(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m := &modelTest{
				t: t, random: rand.New(rand.NewPCG(seed, 0)),
				layer: newLayer(t, channel.Options{Capacity: channel.Capacity{Messages: modelCapacity}}),
				model: model{
					unread: make(map[*channel.Inbox][]string),
					groups: map[channel.Group]map[*channel.Inbox]bool{"g0": {}, "g1": {}, "g2": {}},
					policy: make(map[*channel.Inbox]channel.Policy),
				},
			}
			for step := range 1000 {
				m.step(step)
			}
			m.compare()
		})
	}
}

type modelTest struct {
	t      *testing.T
	random *rand.Rand
	layer  *channel.Layer
	inbox  []*channel.Inbox // closed ones too
	model  model
}

func (m *modelTest) step(step int) {
	group := channel.Group(fmt.Sprint("g", m.random.IntN(3)))
	text := fmt.Sprintf("%c%d", 'a'+m.random.IntN(5), step)
	if len(m.inbox) == 0 {
		m.open()
	}
	inbox := m.inbox[m.random.IntN(len(m.inbox))]
	_, alive := m.model.unread[inbox]
	switch dice := m.random.IntN(100); {
	case dice < 5:
		m.open()
	case dice < 8:
		inbox.Close()
		m.model.close(inbox)
	case dice < 28:
		if err := inbox.Join(ctx, group); (err == nil) != alive {
			m.t.Fatalf("join: %v, alive %t", err, alive)
		} else if alive {
			m.model.groups[group][inbox] = true
		}
	case dice < 38:
		inbox.Leave(group)
		delete(m.model.groups[group], inbox)
	case dice < 58:
		if got, want := groupSend(m.t, m.layer, group, text),
			m.model.groupSend(group, text); got != want {
			m.t.Fatalf("step %d: group send %+v, want %+v", step, got, want)
		}
	case dice < 75:
		m.send(inbox, alive, text)
	case dice < 99:
		m.receive(inbox)
	default:
		m.layer.Flush()
		for inbox := range m.model.unread {
			m.model.unread[inbox] = nil
		}
		for _, members := range m.model.groups {
			clear(members)
		}
	}
}

func (m *modelTest) open() {
	policies := []channel.Policy{channel.CloseSlow, channel.DropOldest, channel.DropNewest,
		channel.Coalesce}
	policy := policies[m.random.IntN(len(policies))]
	key := func(message channel.Message) string { return string(message.Payload()[:1]) }
	inbox := open(m.t, m.layer, channel.InboxOptions{Policy: policy, Key: key})
	m.inbox = append(m.inbox, inbox)
	m.model.unread[inbox], m.model.policy[inbox] = nil, policy
}

func (m *modelTest) send(inbox *channel.Inbox, alive bool, s string) {
	want := channel.ErrNoInbox
	if alive {
		want = nil
		if !m.model.put(inbox, s) {
			want = channel.ErrFull
		}
	}
	if err := m.layer.Send(ctx, inbox.Name(), text(s)); !errors.Is(err, want) {
		m.t.Fatalf("send: %v, want %v", err, want)
	}
}

func (m *modelTest) receive(inbox *channel.Inbox) {
	if queue := m.model.unread[inbox]; len(queue) > 0 {
		if got := receive(m.t, inbox); got != queue[0] {
			m.t.Fatalf("received %q, want %q", got, queue[0])
		}
		m.model.unread[inbox] = queue[1:]
	}
}

func (m *modelTest) compare() {
	unreadCount, members := 0, 0
	for inbox, want := range m.model.unread {
		unreadCount += len(want)
		if got := unread(m.t, inbox); !slices.Equal(got, want) {
			m.t.Errorf("left %q, want %q", got, want)
		}
	}
	groups := 0
	for group, want := range m.model.groups {
		members += len(want)
		groups += min(len(want), 1)
		if got := m.layer.Members(group); len(got) != len(want) {
			m.t.Errorf("%s has %d members, want %d", group, len(got), len(want))
		}
	}
	stats := m.layer.Stats()
	if stats.Inboxes != len(m.model.unread) || stats.Members != members || stats.Groups != groups {
		m.t.Errorf("%+v, want %d inboxes, %d members, %d groups", stats, len(m.model.unread), members,
			groups)
	}
}
