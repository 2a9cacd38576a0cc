package presence_test

import (
	"testing"
	"time"

	"github.com/parleygo/parley/internal/presence"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Each way in which news of one stay can come: members are told of a beginning and an
// end once each, or of neither.
func TestRoster(t *testing.T) {
	a, now := presence.Stay{ID: "a", Show: []byte("1")}, time.Unix(0, 0)
	all := []presence.Stay{a}
	for name, test := range map[string]struct {
		steps        func(r *presence.Roster) (joins, leaves int)
		joins, leave int
	}{
		"in order, each twice": {func(r *presence.Roster) (int, int) {
			return count(r.Join(a), r.Join(a)), count(left(r, now), left(r, now))
		}, 1, 1},
		"end first": {func(r *presence.Roster) (int, int) {
			leaves := count(left(r, now))
			return count(r.Join(a)), leaves
		}, 0, 0},
		"late beginning": {func(r *presence.Roster) (int, int) {
			joins := count(r.Join(a))
			leaves := count(left(r, now))
			return joins + count(r.Join(a)), leaves
		}, 1, 1},
		"listed, then told": {func(r *presence.Roster) (int, int) {
			r.List(all, r.Mark())
			return count(r.Join(a)), count(left(r, now))
		}, 1, 1},
		"listed only": {func(r *presence.Roster) (int, int) {
			r.List(all, r.Mark())
			return 0, count(left(r, now))
		}, 0, 1},
		"listed, and others were listed before": {func(r *presence.Roster) (int, int) {
			r.List(nil, r.Mark())
			_, joined, _ := r.List(all, r.Mark())
			return len(joined) + count(r.Join(a)), count(left(r, now), left(r, now))
		}, 1, 1},
		"listed, though the truth does not know it any more": {func(r *presence.Roster) (int, int) {
			joins, mark := count(r.Join(a)), r.Mark()
			list, _, missing := r.List(nil, mark)
			return joins + len(list) + count(missing) - 2, count(left(r, now))
		}, 1, 1},
		"began while somebody asked": {func(r *presence.Roster) (int, int) {
			mark := r.Mark()
			joins := count(r.Join(a))
			list, _, missing := r.List(nil, mark)
			return joins + len(list) + count(missing) - 1, count(left(r, now))
		}, 1, 1},
		"listed twice": {func(r *presence.Roster) (int, int) {
			r.List(all, r.Mark())
			_, joined, _ := r.List(all, r.Mark())
			return len(joined), count(left(r, now))
		}, 0, 1},
		"listed, and looked at again": {func(r *presence.Roster) (int, int) {
			r.List(all, r.Mark())
			joined, _ := r.Reconcile(all, r.Mark(), now)
			return len(joined), count(left(r, now))
		}, 0, 1},
		"listed, and news may have been missed": {func(r *presence.Roster) (int, int) {
			r.List(all, r.Mark())
			mark := r.Mark()
			r.Miss() // while it is looked at again
			joined, _ := r.Reconcile(all, mark, now)
			again, _ := r.Reconcile(all, r.Mark(), now)
			return len(joined) + len(again) + count(r.Join(a)), count(left(r, now))
		}, 1, 1},
		"looked at again when nothing is missed any more": {func(r *presence.Roster) (int, int) {
			r.Miss()
			r.Reconcile(nil, r.Mark(), now)
			r.List(all, r.Mark())
			joined, _ := r.Reconcile(all, r.Mark(), now)
			return len(joined), count(left(r, now))
		}, 0, 1},
		"listed when over": {func(r *presence.Roster) (int, int) {
			joins := count(r.Join(a))
			leaves := count(left(r, now))
			list, joined, _ := r.List(all, r.Mark())
			return joins + len(joined), leaves + len(list)
		}, 1, 1},
		"missed": {func(r *presence.Roster) (int, int) {
			joined, _ := r.Reconcile(all, r.Mark(), now)
			_, gone := r.Reconcile(nil, r.Mark(), now)
			return len(joined) + len(r.Known()), len(gone)
		}, 1, 1},
		"began while the truth was asked for": {func(r *presence.Roster) (int, int) {
			mark := r.Mark()
			joins := count(r.Join(a))
			_, gone := r.Reconcile(nil, mark, now)
			return joins, len(gone)
		}, 1, 0},
		"ended while the truth was asked for": {func(r *presence.Roster) (int, int) {
			joins, mark := count(r.Join(a)), r.Mark()
			leaves := count(left(r, now))
			joined, _ := r.Reconcile(all, mark, now)
			return joins + len(joined), leaves
		}, 1, 1},
		"missing, and late": {func(r *presence.Roster) (int, int) {
			joins := count(r.Join(a))
			_, gone := r.Reconcile(nil, r.Mark(), now)
			return joins + count(r.Join(a)), len(gone) + count(left(r, now))
		}, 1, 1},
	} {
		joins, leaves := test.steps(new(presence.Roster))
		if joins != test.joins || leaves != test.leave {
			t.Errorf("%s: %d joins and %d leaves", name, joins, leaves)
		}
	}
}

// What is over is forgotten in the end.
func TestRosterForgets(t *testing.T) {
	var r presence.Roster
	now := time.Unix(0, 0)
	left(&r, now)
	r.Leave("b", now.Add(time.Hour))
	if !r.Join(presence.Stay{ID: "a"}) {
		t.Error("remembered for ever")
	}
}

func left(r *presence.Roster, now time.Time) bool {
	_, tell := r.Leave("a", now)
	return tell
}

func count(told ...bool) (n int) {
	for _, yes := range told {
		if yes {
			n++
		}
	}
	return n
}
