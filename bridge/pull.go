package bridge

import "iter"

// pull turns body inside out: next runs it until it pauses and reports whether it has, stop lets it
// end where it paused.
type pull struct {
	next func() bool
	stop func()
}

// pullHere runs body on the thread that calls, and so it needs a coroutine. All calls must come
// from one thread, with its locks counting the same.
func pullHere(body func(pause func() bool)) pull {
	next, stop := iter.Pull(func(yield func(struct{}) bool) {
		body(func() bool { return yield(struct{}{}) })
	})
	return pull{func() bool { _, paused := next(); return paused }, stop}
}

// pullAside runs body on a goroutine of its own while the caller waits. Body may lock its thread,
// and the callers theirs, which Go's coroutines do not stand.
func pullAside(body func(pause func() bool)) pull {
	paused, resume := make(chan bool), make(chan bool)
	stopped := false
	begun := false
	pause := func() bool {
		if stopped {
			return false
		}
		paused <- true
		stopped = !<-resume
		return !stopped
	}
	run := func() {
		defer close(paused)
		body(pause)
	}
	next := func() bool {
		if begun {
			resume <- true
		} else {
			begun = true
			go run()
		}
		return <-paused
	}
	return pull{next, func() { resume <- false; <-paused }}
}
