package bridge

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley/internal/usercode"
)

// walk is one walk over an iterator, and the context the iterator gets. From its first pause on it
// is a call that lasts until it is over, below which the steps are made: so they are not refused
// halfway, and the bridge does not close before the iterator has cleaned up.
type walk struct {
	context.Context // the caller's
	settings        *settings
	fn              any // the user's, for its name
	body            func(pause func() bool)
	pull            pull
	going           bool  // the iterator has paused
	failure         error // how it has ended
	job             *job  // nil: there was no step yet
	lane            *Lane // where all steps run; nil: the pool
	depth           int   // of the lane, when the step that runs began
	at              atomic.Pointer[position]

	mu       sync.Mutex
	stepping bool // the iterator runs
	left     bool // the loop is no more
}

// Value makes the step that runs known to the bridge, or else the walk.
func (w *walk) Value(key any) any {
	if key == (positionKey{}) {
		return w.at.Load()
	}
	return w.Context.Value(key)
}

// walkStep is the call of one step.
type walkStep struct {
	Task
	walk  *walk
	do    func(*walk, *walkStep) error
	begun bool
	more  bool // there is a value
}

func (s *walkStep) execute() error {
	s.begun = true
	return s.do(s.walk, s)
}

func (s *walkStep) forget()       {}
func (s *walkStep) function() any { return s.walk.fn }

// now returns j, or if j was a step of a walk and is over, the walk's step of now: what an iterator
// began in one step, such as a scope, goes on in the others.
func (j *job) now() *job {
	if j == nil || !j.over() {
		return j
	}
	if s, ok := j.work.(*walkStep); ok {
		return s.walk.at.Load().job
	}
	return j
}

// next makes a step, and reports whether there was a value.
func (w *walk) next() (more bool, err error) {
	s := &walkStep{walk: w, do: (*walk).advance}
	where := w.Context
	if w.job != nil {
		where = &w.job.position
	}
	s.future.job.submit(where, s, w.settings)
	_, err = s.future.awaitWhole(w.Context)
	return err == nil && s.more, err
}

// advance runs the iterator until it has a value or ends.
func (w *walk) advance(s *walkStep) error {
	w.mu.Lock()
	left := w.left
	w.stepping = !left
	w.mu.Unlock()
	if left {
		return nil
	}
	at := &s.future.job.position
	if w.job == nil {
		w.open(at.job)
	}
	defer w.pause(at)
	return w.run(at, func() {
		w.going = w.pull.next()
		s.more = w.going
	})
}

// pause ends a step. If the loop was left meanwhile, since its wait would have closed a ring, the
// iterator cleans up at once.
func (w *walk) pause(at *position) {
	w.mu.Lock()
	w.stepping = false
	left := w.left
	w.mu.Unlock()
	if left && w.going {
		w.tell(w.run(at, w.pull.stop))
	}
}

// finish has the iterator clean up, unless the end of its lane had it.
func (w *walk) finish(s *walkStep) error {
	if !w.going {
		return nil
	}
	return w.run(&s.future.job.position, w.pull.stop)
}

// run lets the iterator run as part of the call at a position. If it ends by runtime.Goexit on a
// lane, run does not return.
func (w *walk) run(at *position, do func()) error {
	w.at.Store(at)
	w.going = false
	if w.lane != nil {
		w.depth = w.lane.depth
	}
	defer func() {
		w.at.Store(&w.job.position)
		if w.going {
			return
		}
		if w.lane != nil {
			delete(w.lane.values, w)
		}
		w.over()
	}()
	do()
	return w.failure
}

// open begins the walk, within its first step.
func (w *walk) open(first *job) {
	b := first.bridge
	w.job = &job{up: first.up, by: first.by, work: noWork{}, elsewhere: true}
	w.job.position = first.position
	w.job.position.job = w.job
	w.lane = first.home
	w.settings = &settings{pooled: w.lane == nil, lane: w.lane, repanic: w.settings.repanic}
	body := func(pause func() bool) {
		own := func() bool { return w.mayPause() && pause() }
		usercode.Call(func() error { w.body(own); return nil }, w.fail)
	}
	b.mu.Lock()
	b.accept(w.job)
	b.begin(w.job)
	if w.lane != nil {
		w.lane.walks++
	}
	b.unlock()
	if w.lane == nil {
		w.pull = pullAside(body)
		return
	}
	w.pull = pullHere(body)
	w.lane.keep(w, laneValue{close: w.closeWithLane})
}

func (w *walk) fail(err error) {
	if w.failure == nil {
		w.failure = err
	}
}

// mayPause reports whether the iterator is where its step began. Inside a call of its own on the
// lane it may not pause, for that call would be left open on a thread that others go on using. The
// walk has failed then.
func (w *walk) mayPause() bool {
	if w.lane == nil || w.lane.depth == w.depth {
		return true
	}
	w.fail(errYieldInside)
	return false
}

// over ends the walk's account. Whoever comes late finds it ended.
func (w *walk) over() {
	b := w.job.bridge
	b.mu.Lock()
	defer b.unlock()
	if !w.job.running() {
		return
	}
	if w.lane != nil {
		w.lane.walks--
		w.lane.rouse() // so that it looks again whether it may end
	}
	b.end(w.job, nil)
}

// end ends a walk that the loop has left. Where the lane refuses the last step, the iterator cleans
// up when the lane ends.
func (w *walk) end() {
	w.mu.Lock()
	w.left = true
	begun := w.job != nil && !w.stepping
	w.mu.Unlock()
	if !begun || w.job.over() {
		return
	}
	endless := context.WithoutCancel(w.Context)
	at := w.job.position
	at.Context = endless
	s := &walkStep{walk: w, do: (*walk).finish}
	j := &s.future.job
	j.submit(&at, s, w.settings)
	j.repanic = false // the loop was left, and cannot take it
	defer w.ended(s)  // also while the goroutine exits
	_, _ = s.future.awaitWhole(endless)
}

// ended is called when the last step is over, or was refused.
func (w *walk) ended(s *walkStep) {
	defer w.over()
	switch j := &s.future.job; {
	case w.lane == nil && !s.begun: // the bridge was aborted
		w.tell(w.run(&w.job.position, w.pull.stop))
	case j.fired() && s.begun:
		w.tell(j.err)
	}
}

// closeWithLane has the iterator clean up at the end of its lane.
func (w *walk) closeWithLane() { w.tell(w.run(&w.job.position, w.pull.stop)) }

// tell hands on what nobody waits for: how a clean-up has failed.
func (w *walk) tell(err error) {
	if err != nil {
		w.job.bridge.tell(err)
	}
}
