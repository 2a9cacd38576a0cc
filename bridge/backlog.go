package bridge

import (
	"slices"
	"time"

	"github.com/parleygo/parley/internal/usercode"
)

// Backlog is a queue, a lane's or the pool's, in which a call waits long for its turn. For a lane
// it tells what stands on its thread; for the pool, whose Name is "pool", it tells no more than
// Queued.
type Backlog struct {
	LaneInfo
	Oldest string        // the function that waits longest, where its name is known
	Waited time.Duration // since its call was accepted
}

// fewBacklogs is how many Options.Slow is told of at once.
const fewBacklogs = 10

// noteQueued remembers since when j waits, if somebody wants to know.
func (b *Bridge) noteQueued(j *job) {
	if b.opts.Slow == nil || !j.waiting() {
		return
	}
	j.need().since = time.Now()
	if b.slow == nil {
		b.slow = time.AfterFunc(b.opts.SlowAfter, b.tellSlow)
	}
}

// tellSlow looks for calls that have waited long, and comes again for as long as any wait.
func (b *Bridge) tellSlow() {
	b.mu.Lock()
	looks := b.lookAtBacklogs(time.Now())
	b.unlock()
	if len(looks) > 0 {
		b.tellBacklogs(looks)
	}
	b.mu.Lock()
	defer b.unlock()
	switch {
	case b.slow == nil: // the bridge has closed
	case b.stats.Queued == 0:
		b.slow = nil
	default: // no sooner: a Slow that blocks is not called once more
		b.slow.Reset(b.opts.SlowAfter)
	}
}

// tellBacklogs calls code of the user's, also to learn what lanes are called.
func (b *Bridge) tellBacklogs(looks []backlogLook) {
	failure := usercode.Apart(func() error {
		backlogs := make([]Backlog, len(looks))
		for i, look := range looks {
			backlogs[i] = Backlog{look.describe(), nameOf(look.oldest), look.waited}
		}
		b.opts.Slow(backlogs)
		return nil
	})
	if failure != nil {
		b.tell(failure)
	}
}

// backlogLook is what is seen of a backlog under the mutex.
type backlogLook struct {
	laneLook // without a lane: the pool
	oldest   any
	waited   time.Duration
}

// lookAtBacklogs returns the queues whose oldest call has waited long, the worst first.
func (b *Bridge) lookAtBacklogs(now time.Time) []backlogLook {
	found := b.findBacklogs(now.Add(-b.opts.SlowAfter))
	looks := make([]backlogLook, len(found))
	for i, q := range found {
		look := laneLook{LaneInfo: LaneInfo{Name: "pool", Queued: b.pool.waiting()}}
		if q.lane != nil {
			look = q.lane.look()
		}
		looks[i] = backlogLook{look, q.oldest.work.function(), now.Sub(q.oldest.extra.since)}
	}
	return looks
}

// findBacklogs returns the few queues whose oldest calls have waited longest, since then at least.
func (b *Bridge) findBacklogs(then time.Time) []backlog {
	worst := worstBacklogs{then: then}
	worst.see(nil, b.pool.oldest())
	for l := range b.lanes.alive {
		worst.see(l, l.oldest())
	}
	for l := range b.lanes.hosts {
		worst.see(l, l.oldest())
	}
	for at := b.lanes.starved.Front(); at != nil; at = at.Next() {
		l := at.Value.(*Lane)
		if l.since.After(worst.then) {
			break // so are those behind it, which may be many, and all calls to them
		}
		worst.see(l, l.oldest())
	}
	return worst.found
}

// backlog is a queue in which a call waits: a lane's, or without one the pool's.
type backlog struct {
	lane   *Lane
	oldest *job
}

// worstBacklogs are the few in which a call has waited longest.
type worstBacklogs struct {
	then  time.Time // who waits since then or longer is one of them
	found []backlog // the worst first
}

func (w *worstBacklogs) see(l *Lane, oldest *job) {
	if oldest == nil {
		return
	}
	since := oldest.more().since
	if since.IsZero() || since.After(w.then) { // the former: it is not noted yet
		return
	}
	at := len(w.found)
	for at > 0 && w.found[at-1].oldest.extra.since.After(since) {
		at--
	}
	w.found = slices.Insert(w.found, at, backlog{l, oldest})
	if len(w.found) >= fewBacklogs {
		w.found = w.found[:fewBacklogs]
		w.then = w.found[fewBacklogs-1].oldest.extra.since
	}
}

// oldest returns the call that waits longest for its turn on l, nil if none does.
func (l *Lane) oldest() *job {
	oldest := l.queue.oldest()
	for _, act := range l.stack {
		if j := act.inbox.head; j != nil && (oldest == nil || j.seq < oldest.seq) {
			oldest = j
		}
	}
	return oldest
}
