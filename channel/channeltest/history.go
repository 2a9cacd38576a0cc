package channeltest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/parleygo/parley/channel"
)

// KeptGroups is the pattern of the groups that layers must keep for RunHistory, with the
// bounds of KeptBounds: Options.History holds a rule of both.
const KeptGroups = "kept.*"

// KeptBounds is how: see KeptGroups.
var KeptBounds = channel.Keep{Messages: 100}

// RunHistory proves that layers keep what is sent to groups: in one order for all, once
// for each, and resumed on any of them. Each call of connect returns one or more new
// layers that reach each other and keep KeptGroups. The suite closes them.
func RunHistory(t *testing.T, connect func(t *testing.T) []*channel.Layer) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, layers cluster)
	}{
		{"E22_ResumeAnywhere", resumeAnywhere},
		{"E22_OneOrder", oneOrder},
		{"E22_GapWithReason", gapWithReason},
	} {
		t.Run(test.name, func(t *testing.T) {
			layers := connect(t)
			t.Cleanup(func() { closeAll(t, layers) })
			test.run(t, layers)
		})
	}
}

func resumed(
	t *testing.T, layer *channel.Layer, group channel.Group, after channel.Position,
) (in *channel.Inbox, missed channel.Resumed) {
	t.Helper()
	in = open(t, layer)
	if err := in.Resume(patient(t), group, after, func(r channel.Resumed) error {
		missed = r
		return nil
	}); err != nil {
		t.Fatalf("resume: %v", err)
	}
	return in, missed
}

func resumeAnywhere(t *testing.T, layers cluster) {
	group := channel.Group(unique("kept"))
	first := open(t, layers[0], group)
	groupSend(t, layers[0], group, "0")
	at := receive(t, first).Position()
	first.Close()
	for i := range 30 {
		groupSend(t, layers[i%len(layers)], group, fmt.Sprint(1+i))
	}
	for i, layer := range layers {
		in, missed := resumed(t, layer, group, at)
		if missed.Gap != "" || len(missed.Messages) != 30+i {
			t.Fatalf("layer %d: %d missed, gap %q", i, len(missed.Messages), missed.Gap)
		}
		for j, m := range missed.Messages {
			if string(m.Payload()) != fmt.Sprint(1+j) {
				t.Fatalf("layer %d: %q in place %d", i, m.Payload(), j)
			}
		}
		groupSend(t, layers[0], group, fmt.Sprint(31+i))
		want(t, in, fmt.Sprint(31+i))
		in.Close()
	}
}

// oneOrder: whoever sends, members on all layers get the same, in the same order.
func oneOrder(t *testing.T, layers cluster) {
	const each = 50
	group := channel.Group(unique("kept"))
	var inboxes []*channel.Inbox
	for _, layer := range layers {
		inboxes = append(inboxes, open(t, layer, group))
	}
	var senders sync.WaitGroup
	for i, layer := range layers {
		senders.Go(func() {
			for n := range each {
				if result, err := layer.GroupSend(patient(t), group,
					text(fmt.Sprint(i, ":", n))); err != nil || result.Enqueued != 1 {
					t.Errorf("group send: %+v, %v", result, err)
				}
			}
		})
	}
	defer senders.Wait() // a message may be there before its sender knows
	var order []string
	for i, inbox := range inboxes {
		var got []string
		for range each * len(layers) {
			m := receive(t, inbox)
			got = append(got, m.Position().String()+string(m.Payload()))
		}
		if i == 0 {
			order = got
		} else if !slices.Equal(got, order) {
			t.Fatalf("layer %d has another order", i)
		}
	}
}

func gapWithReason(t *testing.T, layers cluster) {
	group := channel.Group(unique("kept"))
	first := open(t, layers[0], group)
	groupSend(t, layers[0], group, "0")
	at := receive(t, first).Position()
	first.Close()
	for i := range 150 {
		groupSend(t, layers[0], group, fmt.Sprint(1+i))
	}
	_, missed := resumed(t, layers[len(layers)-1], group, at)
	if missed.Gap != channel.GapTrimmed || len(missed.Messages) != KeptBounds.Messages ||
		string(missed.Messages[0].Payload()) != "51" {
		t.Errorf("%d missed, gap %q", len(missed.Messages), missed.Gap)
	}
	at.Epoch = "strange"
	if _, missed := resumed(t, layers[0], group, at); missed.Gap != channel.GapEpoch {
		t.Errorf("another epoch: gap %q", missed.Gap)
	}
	_, missed = resumed(t, layers[0], group, channel.Position{})
	if missed.Gap != "" || len(missed.Messages) != KeptBounds.Messages {
		t.Errorf("all there is: %d missed, gap %q", len(missed.Messages), missed.Gap)
	}
}
