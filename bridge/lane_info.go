package bridge

import (
	"cmp"
	"slices"
	"time"
)

// LaneState is what a lane does.
type LaneState string

// What a lane can be at. A lane that was never used has no thread, and is not listed.
const (
	LaneStarving LaneState = "starving" // has calls and no thread: Options.MaxLanes are alive
	LaneWorking  LaneState = "working"  // its thread is at work
	LaneWaiting  LaneState = "waiting"  // the function on its thread waits inside the bridge
	LaneResting  LaneState = "resting"  // has a thread and nothing to do
)

// LaneInfo is one lane at one moment. What users name, as keys are, is cut to a hundred bytes.
type LaneInfo struct {
	Name     string // "key 42", or where in the program it was opened: "shop/orders.go:42"
	State    LaneState
	Thread   uint64    // its OS thread; 0: none yet, or not known
	Queued   int       // calls that wait for their turn on it
	Depth    int       // functions that stand on one another on its thread
	Call     uint64    // the innermost one: calls are numbered as they are accepted; 0: none
	Function string    // its name, where it is known
	WaitsFor string    // of a waiting lane, in words
	Since    time.Time // of a lane that rests or starves: since when
}

// Lanes returns what the bridge's lanes do, in one consistent look: at most limit of them, those
// on which most calls wait first. It takes a moment for each lane, during which no call begins, and
// costs nothing while nobody asks. It calls the String method of keys that have one.
func (b *Bridge) Lanes(limit int) []LaneInfo {
	b.mustBeMade("Lanes")
	seen := b.lookAtLanes(limit)
	list := make([]LaneInfo, 0, min(len(seen), max(limit, 0)))
	for _, look := range seen[:cap(list)] {
		list = append(list, look.describe())
	}
	return list
}

// laneLook is what is seen of a lane under the mutex. What is said of it calls code of the user's,
// and has time.
type laneLook struct {
	LaneInfo
	lane  *Lane
	fn    any
	waits []waitLook
	more  int // waits that are not among waits
}

// lookAtLanes returns all lanes with threads, and the oldest of those without, up to limit.
func (b *Bridge) lookAtLanes(limit int) []laneLook {
	b.mu.Lock()
	seen := make([]laneLook, 0, len(b.lanes.alive)+len(b.lanes.hosts))
	for l := range b.lanes.alive {
		seen = append(seen, l.look())
	}
	for l := range b.lanes.hosts {
		seen = append(seen, l.look())
	}
	at := b.lanes.starved.Front()
	for ; at != nil && limit > 0; at, limit = at.Next(), limit-1 {
		seen = append(seen, at.Value.(*Lane).look())
	}
	b.unlock()
	slices.SortFunc(seen, func(a, b laneLook) int {
		return cmp.Or(cmp.Compare(b.Queued, a.Queued), cmp.Compare(b.Depth, a.Depth),
			cmp.Compare(a.Thread, b.Thread), a.Since.Compare(b.Since))
	})
	return seen
}

// look is called with the bridge's mutex held.
func (l *Lane) look() laneLook {
	look := laneLook{lane: l}
	look.Queued = l.queue.waiting()
	for _, act := range l.stack {
		look.Queued += act.inbox.count
	}
	look.Depth = len(l.stack)
	top := l.top()
	switch {
	case l.state == laneStarving:
		look.State, look.Since = LaneStarving, l.since
		return look
	case top == nil && !l.since.IsZero() && look.Queued == 0:
		look.State, look.Since, look.Thread = LaneResting, l.since, l.thread
	case top != nil && l.blocked:
		look.State = LaneWaiting
		top.lookAtWaits(&look)
	default:
		look.State = LaneWorking
	}
	if top != nil { // else the thread may not be known yet
		look.Thread = l.thread
		look.Call, look.fn = top.job.seq, top.job.work.function()
	}
	return look
}

func (look *laneLook) describe() LaneInfo {
	info := look.LaneInfo
	if look.lane == nil {
		return info
	}
	info.Name, info.Function = look.lane.name(), nameOf(look.fn)
	if info.State == LaneWaiting {
		info.WaitsFor = look.describeWaits()
	}
	return info
}

// fewWaits is how many things that a lane waits for are told.
const fewWaits = 3
