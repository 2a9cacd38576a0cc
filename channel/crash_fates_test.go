package channel_test

import (
	"context"
	"strings"
	"time"
)

// fate is what can happen to a process, its connection or its broker at one call. It is
// called in place of the call, which it may make or not, now or later.
type fate struct {
	name    string
	befall  func(ctx context.Context, m *mortal, call func(context.Context) error) error
	forgets bool // the broker loses its memory
	subtle  bool // what has hit already
	stops   bool // the process, for longer than it may hold a job
}

// instead has something happen in place of a call.
func instead(name string, happens func(m *mortal)) fate {
	return fate{name: name, befall: func(
		_ context.Context, m *mortal, _ func(context.Context) error,
	) error {
		happens(m)
		return m.reachOr(errNoAnswer)
	}}
}

// behind has something happen before a call is answered.
func behind(name string, happens func(m *mortal)) fate {
	return fate{name: name, befall: func(
		ctx context.Context, m *mortal, call func(context.Context) error,
	) error {
		_ = call(ctx)
		happens(m)
		return m.reachOr(errNoAnswer)
	}}
}

// reachOr is reach, but no call succeeds.
func (m *mortal) reachOr(otherwise error) error {
	if err := m.reach(); err != nil {
		return err
	}
	return otherwise
}

// late has a call take effect when nobody waits for it any more.
func late(name string, answer, effect time.Duration, happens func(m *mortal)) fate {
	return fate{name: name, subtle: happens == nil, befall: func(
		ctx context.Context, m *mortal, call func(context.Context) error,
	) error {
		time.AfterFunc(effect, func() { _ = call(context.WithoutCancel(ctx)) })
		select {
		case <-ctx.Done():
		case <-time.After(answer):
		}
		if happens != nil {
			happens(m)
		}
		return m.reachOr(errNoAnswer)
	}}
}

// around has something happen before or after a call that is answered, in time or not.
func around(name string, before, after func(m *mortal)) fate {
	return fate{name: name, befall: func(
		ctx context.Context, m *mortal, call func(context.Context) error,
	) error {
		before(m)
		err := call(ctx)
		after(m)
		if slow := m.reach(); slow != nil {
			return slow
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}}
}

// stopping is a fate with which a process may believe in a job that another has done.
func (f fate) stopping() fate {
	f.stops = true
	return f
}

// losing is a fate with which the broker loses its memory.
func (f fate) losing() fate {
	f.forgets = true
	f.subtle = strings.HasSuffix(f.name, "before")
	return f
}

func nothing(*mortal) {}

func forgets(m *mortal) { m.broker.Forget() }

func restarts(m *mortal) { m.broker.Forget(); m.broker.Interrupt() }

func cut(length time.Duration) func(m *mortal) {
	return func(m *mortal) { m.cutOff(length) }
}

func frozen(length time.Duration) func(m *mortal) {
	return func(m *mortal) { m.freeze(length) }
}

// What is shorter than a lease, and what is longer.
const (
	brief = 12 * time.Second
	long  = 45 * time.Second
)

var fates = []fate{
	instead("killed before", (*mortal).die),
	behind("killed after", (*mortal).die),
	late("killed, and done late", 0, time.Second, (*mortal).dying),
	instead("refused", nothing),
	behind("answer lost", nothing),
	late("done late", 0, 3*time.Second, nil),
	late("done when given up", 8*time.Second, 8*time.Second, nil),
	instead("cut briefly before", cut(brief)),
	behind("cut briefly after", cut(brief)),
	instead("cut for long before", cut(long)),
	behind("cut for long after", cut(long)),
	instead("stopped briefly before", frozen(brief)).stopping(),
	around("stopped briefly after", nothing, frozen(brief)).stopping(),
	instead("stopped for long before", frozen(long)).stopping(),
	around("stopped for long after", nothing, frozen(long)).stopping(),
	around("broker forgets before", forgets, nothing).losing(),
	around("broker forgets after", nothing, forgets).losing(),
	around("broker restarts before", restarts, nothing).losing(),
	around("broker restarts after", nothing, restarts).losing(),
	around("interrupted", func(m *mortal) { m.broker.Interrupt() }, nothing),
}

// dying is dead when what is under way has arrived.
func (m *mortal) dying() {
	m.mu.Lock()
	m.dead = true
	m.mu.Unlock()
	time.AfterFunc(2*time.Second, m.die)
}
