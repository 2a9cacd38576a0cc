package interrupt_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley/internal/interrupt"
)

// TestTeller: one call at a time, each subject once in it, and no goroutine when all is
// told: a bubble with one left would not end.
func TestTeller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var teller interrupt.Teller
		teller.Missed("before anybody listens")
		calls, hold := make(chan []string, 9), make(chan struct{})
		teller.OnInterrupt(func(subjects []string) {
			calls <- subjects
			<-hold
		})
		teller.Missed()
		teller.Missed("b", "a", "b")
		synctest.Wait()
		teller.Missed("d")
		teller.Missed("c", "d")
		synctest.Wait()
		if len(calls) != 1 {
			t.Errorf("%d calls at once", len(calls))
		}
		close(hold)
		synctest.Wait()
		teller.Missed("e")
		synctest.Wait()
		for _, want := range [][]string{{"a", "b"}, {"c", "d"}, {"e"}} {
			if got := <-calls; !slices.Equal(got, want) {
				t.Errorf("told of %q, want %q", got, want)
			}
		}
		if len(calls) > 0 {
			t.Errorf("told again of %q", <-calls)
		}
	})
}
