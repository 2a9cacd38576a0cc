package bridge

import (
	"fmt"
	"time"
)

// Option says where and how the calls of one wrapper run. Options that contradict each other panic
// where the wrapper is made.
//
// A library that does not know its caller's context says [Pooled] or [Sensitive]. Without either,
// its function runs on the pool or on a lane, as the caller's context has it.
type Option func(*settings)

// settings is where and how a wrapper's calls run.
type settings struct {
	pooled, sensitive, dedicated bool
	lane                         *Lane
	abandon, repanic             bool
	timeout                      time.Duration
}

// Pooled makes the calls run on the pool even where the context names a lane: for functions that
// may run on any thread and side by side.
func Pooled() Option { return func(s *settings) { s.pooled = true } }

// Sensitive makes the calls fail with [ErrNoLane] where the context names no lane, instead of
// running on the pool: for functions that must not run on two threads.
func Sensitive() Option { return func(s *settings) { s.sensitive = true } }

// OnLane makes the calls run on l whatever the context says. It panics if l is nil.
func OnLane(l *Lane) Option {
	l.mustBeMade("OnLane")
	return func(s *settings) { s.lane = l }
}

// OwnThread makes each call run on a fresh OS thread that is destroyed afterwards: for functions
// that change the state of their thread (namespaces, signal masks, credentials). The calls count
// against the pool's capacity.
func OwnThread() Option { return func(s *settings) { s.dedicated = true } }

// Abandon makes a call complete with its context's cause at the moment the context ends, even while
// the function runs. The function runs on and keeps its token or lane. Its result is dropped, a
// failure goes to Options.Unobserved, and what it writes to a [Local] stays its own. The function
// must not share variables with its caller.
func Abandon() Option { return func(s *settings) { s.abandon = true } }

// Repanic makes Await panic with the [parley.PanicError] of a function that panicked, instead of
// returning it.
func Repanic() Option { return func(s *settings) { s.repanic = true } }

// Timeout bounds each call, queueing included; the context of the function ends with it. A call
// that has not begun by then fails with [ErrQueueTimeout]. A running one decides itself, or fails
// with [ErrRunTimeout] in [Abandon] mode. Timeout panics if d is not positive.
func Timeout(d time.Duration) Option {
	if d <= 0 {
		panic(fmt.Sprintf("bridge: Timeout: %v is not positive", d))
	}
	return func(s *settings) { s.timeout = d }
}

func newSettings(options []Option) *settings {
	s := &settings{}
	for _, option := range options {
		if option == nil {
			panic("bridge: nil Option")
		}
		option(s)
	}
	where := 0
	for _, asked := range []bool{s.pooled, s.sensitive || s.lane != nil, s.dedicated} {
		if asked {
			where++
		}
	}
	if where > 1 {
		panic("bridge: a call runs on the pool, on a lane or on its own thread: " +
			"the options ask for several")
	}
	return s
}
