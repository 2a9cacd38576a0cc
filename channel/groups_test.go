package channel_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/parleygo/parley/channel"
)

// The largest groups are listed, by their size; others are counted and not kept.
func TestLargestGroups(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	inboxes := make([]*channel.Inbox, 3)
	for i := range inboxes {
		inboxes[i] = open(t, layer, channel.InboxOptions{})
	}
	for _, name := range []channel.Group{"three", "b", "a"} {
		for i, in := range inboxes {
			if i == 0 || name == "three" {
				if err := in.Join(t.Context(), name); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	want := []channel.GroupSize{{"three", 3}, {"a", 1}, {"b", 1}}
	for limit, want := range map[int][]channel.GroupSize{
		-1: nil, 0: nil, 1: want[:1], 2: want[:2], 3: want, 100: want,
	} {
		if got := layer.Groups(limit); !slices.Equal(got, want) {
			t.Errorf("%d: %v, want %v", limit, got, want)
		}
	}
	for i := range 5000 {
		if err := inboxes[0].Join(t.Context(), channel.Group(fmt.Sprint("g", i))); err != nil {
			t.Fatal(err)
		}
	}
	if got := layer.Groups(3); len(got) != 3 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("of many: %v", got)
	}
}
