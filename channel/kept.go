package channel

import (
	"context"
	"sync"
	"time"

	"github.com/parleygo/parley/internal/history"
)

// kept is the one reader of a kept group. What is appended becomes steps here, in the
// order of the log, and one goroutine at a time hands them to the members: so all of
// them have one order, and each gets each message once. What is missing it reads from
// the log.
type kept struct {
	layer *Layer
	group Group
	keep  Keep
	shelf shelf

	// ctx ends with the layer, and over a transport with the last member. Then the group
	// that steps were meant for is gone, and who joins anew is in another one that has
	// a reader of its own.
	ctx  context.Context
	stop context.CancelFunc

	mu       sync.Mutex // never held while user code runs or anything waits
	order    history.Order[*keptMessage]
	started  bool
	early    bool          // something came before it was known where to begin
	steps    []keptStep    // that are to be handed out
	seq      uint64        // of the last step that was made
	picked   uint64        // of the one that is being handed out, or was the last
	handed   uint64        // of the last step that was handed out
	out      Position      // of the last step that was handed out
	busy     bool          // a goroutine hands out
	began    time.Time     // when it began with what it is at
	catching bool          // a goroutine reads the log
	caught   chan struct{} // closed when that has read everything

	fresh    map[*membership]uint64 // those that joined behind a step not yet handed out
	resuming []*resumption

	waiting map[Position]*outcome
	sends   *sends // the latest, and those that began before them
	earlier *sends
}

// keptStep is a message, or a gap.
type keptStep struct {
	seq      uint64
	resuming int          // how many have it held back for them
	sent     *keptMessage // nil for an entry that was not understood
	position Position
	gap      history.Gap
}

const (
	tooManySteps = 1000 // more are read from the log when these are handed out
	keptPage     = 500  // entries that are read at once
)

func (l *Layer) newKept(group Group, keep Keep, s shelf) *kept {
	k := &kept{layer: l, group: group, keep: keep, shelf: s}
	k.ctx, k.stop = context.WithCancel(l.ctx)
	return k
}

// start sets where the reader begins.
func (k *kept) start(at Position) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.order.Start(at.Epoch, at.Offset)
	k.out = at
	k.started = true
	if k.early {
		k.order.Skip()
		k.goOn()
	}
}

// append is for the log in memory: an entry has its place in the steps at once.
func (k *kept) append(p *keptMessage, log *memoryShelf) Position {
	k.mu.Lock()
	defer k.mu.Unlock()
	position := &positioned{}
	p.message.kept = position
	e := log.append(p, k.keep)
	position.position = Position{log.epoch, e.Offset}
	k.take(log.epoch, e)
	return position.position
}

// arrived is called with what came to those who follow.
func (k *kept) arrived(e Entry) {
	entry := k.shelf.(*wireShelf).unpack(e)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.take(e.Position.Epoch, entry)
}

// take is called with mu held.
func (k *kept) take(epoch string, e keptEntry) {
	switch {
	case !k.started:
		k.early = true
		return
	case len(k.steps) >= tooManySteps:
		k.order.Skip()
	default:
		k.push(k.order.Offer(epoch, e))
	}
	k.goOn()
}

// push is called with mu held.
func (k *kept) push(steps []history.Step[*keptMessage]) {
	for _, s := range steps {
		k.seq++
		k.steps = append(k.steps, keptStep{
			seq: k.seq, sent: s.Entry.Value, gap: s.Gap,
			position: Position{s.Epoch, s.Entry.Offset},
		})
	}
}

// goOn starts what there is to do. The caller holds mu.
func (k *kept) goOn() {
	if len(k.steps) > 0 && !k.busy {
		k.busy = true
		go k.handOut()
	}
	if k.order.Missing() && !k.catching && len(k.steps) < tooManySteps && k.ctx.Err() == nil {
		k.catching = true
		go k.catchUp()
	}
}

// lookAgain has the log read, for something may be missing.
func (k *kept) lookAgain() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.order.Skip()
	k.goOn()
}

// position is that of the newest step.
func (k *kept) position() Position {
	epoch, last := k.order.At()
	return Position{epoch, last}
}

const (
	firstPause = 50 * time.Millisecond // before a log that failed is read again
	lastPause  = 5 * time.Second
)

// catchUp reads the log until nothing is missing.
func (k *kept) catchUp() {
	pause := firstPause
	for {
		k.mu.Lock()
		epoch, after := k.order.Ask()
		k.mu.Unlock()
		past, err := k.shelf.since(k.ctx, Position{epoch, after}, keptPage)
		if err != nil {
			pause = k.pause(pause)
			past, after = keptPast{}, 0
		} else {
			pause = firstPause
		}
		if !k.fill(after, past, err != nil) {
			return
		}
	}
}

// pause waits, and returns for how long to wait the next time.
func (k *kept) pause(pause time.Duration) time.Duration {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-k.ctx.Done():
	}
	return min(2*pause, lastPause)
}

// fill reports whether catchUp has to go on.
func (k *kept) fill(asked uint64, past keptPast, failed bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if failed {
		k.order.Skip()
	} else {
		k.push(k.order.Fill(asked, past))
	}
	if k.order.Missing() && len(k.steps) < tooManySteps && k.ctx.Err() == nil {
		k.goOn()
		return true
	}
	k.catching = false
	if !k.order.Missing() && k.caught != nil {
		close(k.caught)
		k.caught = nil
	}
	k.goOn()
	return false
}
