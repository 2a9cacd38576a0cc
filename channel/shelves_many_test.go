//go:build !race

// The race detector has failed itself (a CHECK of its own, and no race) where a process
// makes as many locks as this.

package channel

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestManyNames: whoever names very many groups leaves no more logs than have something in
// them, and some.
func TestManyNames(t *testing.T) {
	const before, after = shelfFew / 2, shelfFew * 3 / 2
	for name, test := range map[string]struct {
		use       func(*testing.T, *Layer, Group) Position
		most, old int // logs, and of those the ones of before
	}{
		"visits": {visit, shelfFew + 1, shelfFew},
		"sends":  {say, after, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := shelfLayer()
				defer l.Close(context.WithoutCancel(t.Context()))
				for i := range before {
					test.use(t, l, Group(fmt.Sprint("room.", i)))
				}
				if n := len(l.shelves.logs); n > test.most || n != len(l.shelves.list) {
					t.Errorf("%d logs, %d in the list", n, len(l.shelves.list))
				}
				time.Sleep(2 * time.Minute)
				for i := range after {
					test.use(t, l, Group(fmt.Sprint("room.again.", i)))
				}
				old := 0
				for i, k := range l.shelves.list {
					if k.place != i || l.shelves.logs[k.group] != k {
						t.Fatalf("%s is in place %d, and not %d", k.group, i, k.place)
					}
					if _, err := fmt.Sscanf(string(k.group), "room.%d", new(int)); err == nil {
						old++
					}
				}
				if n := len(l.shelves.list); n > test.most || old > test.old {
					t.Errorf("%d logs, %d of before", n, old)
				}
			})
		})
	}
}
