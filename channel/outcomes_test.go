package channel

import "testing"

// What nobody waits for goes in a group that is never idle too, and what somebody is
// about to wait for stays.
func TestOutcomesOfABusyGroup(t *testing.T) {
	layer := New(Options{})
	defer layer.Close(t.Context())
	k := layer.newKept("room", Keep{}, &memoryShelf{})
	var late []func()
	most := 0
	for i := range 10_000 {
		end := k.begin()
		position := Position{"e", uint64(i + 1)}
		k.mu.Lock()
		k.keepOutcome(position, SendResult{Matched: i})
		for kept, s := 0, []*sends{k.sends, k.earlier}; len(s) > 0; s = s[1:] {
			if s[0] != nil {
				kept += len(s[0].outcomes)
			}
			most = max(most, kept)
		}
		k.mu.Unlock()
		if i%100 == 0 { // this one succeeds, and the rest is of calls that have failed
			w := k.outcome(position)
			select {
			case <-w.done:
			default:
				t.Fatalf("the result of %d is gone", i)
			}
			if w.result.Matched != i {
				t.Fatalf("%d is %+v", i, w.result)
			}
		}
		if late = append(late, end); len(late) > 3 {
			late[0]()
			late = late[1:]
		}
	}
	if most > 4*manyOutcomes {
		t.Errorf("%d results were kept at once", most)
	}
	for _, end := range late {
		end()
	}
	if k.sends != nil || k.earlier != nil {
		t.Errorf("%+v and %+v stay", k.sends, k.earlier)
	}
}

// A call that takes long finds the result that came while others began and ended.
func TestOutcomeOfASlowCall(t *testing.T) {
	layer := New(Options{})
	defer layer.Close(t.Context())
	k := layer.newKept("room", Keep{}, &memoryShelf{})
	slow := k.begin()
	defer slow()
	for i := range 10 * manyOutcomes {
		end := k.begin()
		k.mu.Lock()
		k.keepOutcome(Position{"e", uint64(i + 1)}, SendResult{Matched: i})
		k.mu.Unlock()
		end()
	}
	if result := k.await(t.Context(), Position{"e", 5}); result.Matched != 4 {
		t.Errorf("%+v", result)
	}
}
