package bridge

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/parleygo/parley/internal/usercode"
)

// spareLocks is how often a lane locks its thread: that many times less one can jobs call
// runtime.UnlockOSThread without a matching lock before they give the thread away.
const spareLocks = 256

// main runs the lane. If it finds itself on the process's main thread, which would survive it with
// all state the jobs leave there, it holds that thread until another goroutine has got a different
// one.
func (l *Lane) main(elsewhere chan<- struct{}) {
	for range spareLocks {
		runtime.LockOSThread()
	}
	l.thread, _ = threadID()
	if l.thread == mainThread && l.thread != 0 {
		got := make(chan struct{})
		go l.main(got)
		<-got
		for range spareLocks {
			runtime.UnlockOSThread()
		}
		if elsewhere != nil {
			close(elsewhere)
		}
		return
	}
	if elsewhere != nil {
		close(elsewhere)
	}
	threads.add(l.thread, l)
	defer l.over()
	defer l.runStop()
	if err := l.runStart(); err != nil {
		l.bridge.mu.Lock()
		l.lose(fmt.Errorf("%w: start hook: %w", ErrLaneLost, err))
		l.bridge.unlock()
		return
	}
	l.started = true
	l.loop()
}

func (l *Lane) runStart() error {
	if l.hooks.Start == nil {
		return nil
	}
	return usercode.Run(l.hooks.Start)
}

// loop runs jobs until the lane is told to end. It drains the queue per wake-up, because waking a
// locked thread costs tens of microseconds.
func (l *Lane) loop() {
	b := l.bridge
	b.mu.Lock()
	for {
		if j := l.queue.jobs.head; j != nil {
			l.perform(j)
			continue
		}
		if l.passing() && l.state == laneAlive && b.lanes.hungry() {
			l.yield()
		}
		if l.state >= laneClosing {
			b.unlock()
			return
		}
		if !l.rest() && l.queue.jobs.head == nil {
			l.close()
		}
	}
}

// rest sleeps until there may be work. It returns false after a keyed lane was idle for its time.
func (l *Lane) rest() bool {
	b := l.bridge
	l.blocked = true
	l.since = time.Now()
	l.beginRest()
	passing := l.passing()
	b.unlock()
	roused := l.sleep(passing)
	b.mu.Lock()
	l.leaveRest()
	l.blocked, l.since = false, time.Time{}
	return roused
}

func (l *Lane) sleep(passing bool) bool {
	if !passing {
		<-l.wake
		return true
	}
	idle := time.NewTimer(l.bridge.opts.KeyIdle)
	defer idle.Stop()
	select {
	case <-l.wake:
		return true
	case <-idle.C:
		return false
	}
}

// nudge wakes the lane's thread after everybody else who can run has run. Waking it costs tens of
// microseconds, so it should find more than the first call. The goroutine ends at once; a hint too
// many does no harm.
func (l *Lane) nudge() {
	runtime.Gosched()
	hint(l.wake)
}

// runStop closes the lane's values and runs the Stop hook, even while the goroutine exits, unless
// the lane's thread was lost.
func (l *Lane) runStop() {
	if id, _ := threadID(); id != l.thread {
		return
	}
	steps := l.closers()
	if l.started && l.hooks.Stop != nil {
		steps = append(steps, l.hooks.Stop)
	}
	l.runEach(steps)
}

// runEach runs all steps, in whatever way the ones before have ended. Failures are told.
func (l *Lane) runEach(steps []func()) {
	if len(steps) == 0 {
		return
	}
	defer l.runEach(steps[1:]) // also while the goroutine exits
	usercode.Call(func() error { steps[0](); return nil }, func(err error) {
		if err != nil {
			l.bridge.tell(fmt.Errorf("bridge: at the end of a lane: %w", err))
		}
	})
}

// closers returns what closes the lane's values, the youngest first.
func (l *Lane) closers() []func() {
	var values []laneValue
	for _, value := range l.values {
		if value.close != nil {
			values = append(values, value)
		}
	}
	l.values = nil
	slices.SortFunc(values, func(a, b laneValue) int { return b.age - a.age })
	var steps []func()
	for _, value := range values {
		steps = append(steps, value.close)
	}
	return steps
}

// over runs when the lane's goroutine ends, whether it returned or exits. Its thread goes with it.
func (l *Lane) over() {
	threads.remove(l.thread)
	b := l.bridge
	b.mu.Lock()
	defer b.unlock()
	if l.state == laneClosing {
		l.state = laneOver
	}
	l.lose(ErrLaneLost)
	b.lanes.remove(l)
	b.fire(&l.end)
	b.feedStarved()
}
