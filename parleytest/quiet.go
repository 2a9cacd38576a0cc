package parleytest

import (
	"testing/synctest"
	"time"
)

// glance is how long Quiet looks outside a bubble, where nobody can know whether
// an app is done or merely slow.
const glance = 50 * time.Millisecond

// quiet reports whether the app leaves nothing for the client to see: some reports
// that there is something.
func (r *running) quiet(some func() bool) (empty bool) {
	if settle() {
		r.state.Look(func() { empty = !some() })
		return empty
	}
	return !r.within(glance, some)
}

// settle lets everything in the bubble run until it waits. Outside a bubble it
// does nothing and reports false: there synctest.Wait panics, and nothing else
// tells where one is.
func settle() (settled bool) {
	defer func() {
		if !settled {
			_ = recover()
		}
	}()
	synctest.Wait()
	return true
}
