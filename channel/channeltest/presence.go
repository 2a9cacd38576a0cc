package channeltest

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/parleygo/parley/channel"
)

// RunPresence proves that layers know who is in a group: each stay is told of once when
// it begins and once when it ends, on all of them. Each call of connect returns one or
// more new layers that reach each other. The suite closes them.
func RunPresence(t *testing.T, connect func(t *testing.T) []*channel.Layer) {
	for name, ends := range map[string]func(t *testing.T, layer *channel.Layer, in *channel.Inbox){
		"Exit":  func(_ *testing.T, _ *channel.Layer, in *channel.Inbox) { in.Exit(in.Groups()[0]) },
		"Leave": func(_ *testing.T, _ *channel.Layer, in *channel.Inbox) { in.Leave(in.Groups()[0]) },
		"Close": func(_ *testing.T, _ *channel.Layer, in *channel.Inbox) { in.Close() },
		"Layer": func(t *testing.T, layer *channel.Layer, in *channel.Inbox) {
			if err := layer.Close(patient(t)); err != nil {
				t.Errorf("close: %v", err)
			}
		},
	} {
		t.Run("E21_"+name, func(t *testing.T) {
			layers := connect(t)
			t.Cleanup(func() { closeAll(t, layers) })
			stays(t, layers, ends)
		})
	}
	t.Run("E21_SeesItself", func(t *testing.T) {
		layers := connect(t)
		t.Cleanup(func() { closeAll(t, layers) })
		seesItself(t, layers)
	})
}

func stays(
	t *testing.T, layers cluster, ends func(*testing.T, *channel.Layer, *channel.Inbox),
) {
	group := channel.Group(unique("room"))
	var watchers []*channel.Inbox
	for _, layer := range layers {
		watchers = append(watchers, open(t, layer, group))
	}
	last := layers[len(layers)-1]
	goes := open(t, last)
	member, err := goes.Enter(patient(t), group, map[string]string{"name": "Ann"})
	if err != nil {
		t.Fatalf("enter: %v", err)
	}
	notice := func(in *channel.Inbox, typ string) {
		t.Helper()
		m := receive(t, in)
		var said struct {
			Type, Group, Member string
			Show                map[string]string
		}
		if err := json.Unmarshal(m.Payload(), &said); err != nil || m.Type() != typ ||
			said.Type != typ || said.Group != string(group) || said.Member != member.ID ||
			said.Show["name"] != "Ann" {
			t.Fatalf("told %s %s, want %s of %s", m.Type(), m.Payload(), typ, member.ID)
		}
	}
	for i, watcher := range watchers {
		notice(watcher, channel.TypeJoin)
		present, err := layers[i].Present(patient(t), group)
		if err != nil || len(present) != 1 || present[0].ID != member.ID {
			t.Fatalf("layer %d: present %+v, %v", i, present, err)
		}
	}
	ends(t, last, goes)
	for i, layer := range layers {
		if watchers[i].Err() != nil { // its layer is closed
			continue
		}
		notice(watchers[i], channel.TypeLeave)
		eventually(t, fmt.Sprint("layer ", i, " knows that nobody is there"), func() bool {
			present, err := layer.Present(patient(t), group)
			return err == nil && len(present) == 0
		})
		groupSend(t, layer, group, "end")
		for m := receive(t, watchers[i]); string(m.Payload()) != "end"; m = receive(t, watchers[i]) {
			t.Errorf("told %s %s", m.Type(), m.Payload())
		}
		break // others get what this one sends in their own time
	}
}

// seesItself: whoever is in is in the answer to all that it asks afterwards, however many
// ask at once.
func seesItself(t *testing.T, layers cluster) {
	group := channel.Group(unique("room"))
	const each = 20
	var all sync.WaitGroup
	for _, layer := range layers {
		for range each {
			in := open(t, layer)
			all.Go(func() {
				me, err := in.Enter(patient(t), group, nil)
				if err != nil {
					t.Errorf("enter: %v", err)
					return
				}
				present, err := layer.Present(patient(t), group)
				is := func(m channel.Member) bool { return m.ID == me.ID }
				if err != nil || !slices.ContainsFunc(present, is) {
					t.Errorf("not among the %d who are present: %v", len(present), err)
				}
			})
		}
	}
	all.Wait()
}
