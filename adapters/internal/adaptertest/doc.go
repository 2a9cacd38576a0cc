// Package adaptertest lets the tests of adapters look at a server from outside:
// every byte that goes over the wire, and every line that the server logs.
package adaptertest

import (
	"testing"
	"time"
)

// Patience is how long a test waits for what must come. It is a safety net, not
// a measure: nothing passes or fails by being fast.
const Patience = 30 * time.Second

// Await returns what arrives on ch, or the zero value once ch is closed.
func Await[T any](t testing.TB, ch <-chan T, what string) T {
	t.Helper()
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case value := <-ch:
		return value
	case <-timer.C:
		t.Fatalf("still waiting: %s", what)
		panic("unreachable")
	}
}
