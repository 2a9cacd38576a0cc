package channel

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// Memberships that come and go at random are those of a map.
func TestMemberships(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		var got memberships
		want := map[Group]*membership{}
		for step := range 400 {
			group := Group(fmt.Sprint("g", random.IntN(4+int(seed))))
			switch m := got.of(group); {
			case m != want[group]:
				t.Fatalf("seed %d, step %d: %s is %v, want %v", seed, step, group, m, want[group])
			case m == nil:
				m = new(membership)
				got.add(group, m)
				want[group] = m
			default:
				if got.remove(group) != m || got.remove(group) != nil {
					t.Fatalf("seed %d, step %d: another one was removed", seed, step)
				}
				delete(want, group)
			}
			if all := maps.Collect(got.all()); got.len() != len(want) || !maps.Equal(all, want) {
				t.Fatalf("seed %d, step %d: %v, want %v", seed, step, all, want)
			}
		}
	}
}
