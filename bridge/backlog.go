package bridge

import (
	"cmp"
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

// tellSlow looks for calls that have waited long, for as long as any wait.
func (b *Bridge) tellSlow() {
	b.mu.Lock()
	defer b.unlock()
	if b.slow == nil {
		return // the bridge has closed
	}
	if b.stats.Queued == 0 {
		b.slow = nil
		return
	}
	b.slow.Reset(b.opts.SlowAfter)
	if looks := b.lookAtBacklogs(time.Now()); len(looks) > 0 {
		b.afterwards(func() { b.tellBacklogs(looks) })
	}
}

func (b *Bridge) tellBacklogs(looks []backlogLook) {
	backlogs := make([]Backlog, len(looks))
	for i, look := range looks {
		backlogs[i] = Backlog{look.describe(), nameOf(look.oldest), look.waited}
	}
	failure := usercode.Apart(func() error {
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
	var looks []backlogLook
	see := func(j *job, look func() laneLook) {
		if j == nil || j.more().since.IsZero() { // the latter: it is not noted yet
			return
		}
		if waited := now.Sub(j.more().since); waited >= b.opts.SlowAfter {
			looks = append(looks, backlogLook{look(), j.work.function(), waited})
		}
	}
	see(b.pool.oldest(), func() laneLook {
		return laneLook{LaneInfo: LaneInfo{Name: "pool", Queued: b.pool.waiting()}}
	})
	for l := range b.lanes.alive {
		see(l.oldest(), l.look)
	}
	for l := range b.lanes.hosts {
		see(l.oldest(), l.look)
	}
	for at := b.lanes.starved.Front(); at != nil; at = at.Next() {
		l := at.Value.(*Lane)
		see(l.oldest(), l.look)
	}
	slices.SortFunc(looks, func(a, b backlogLook) int { return cmp.Compare(b.waited, a.waited) })
	return looks[:min(len(looks), fewBacklogs)]
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
