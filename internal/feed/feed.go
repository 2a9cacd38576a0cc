package feed

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
)

// Feed is what was sent to one group and not all readers have taken. Methods that
// say so are called with the group's lock held.
type Feed struct {
	mu   *sync.Mutex // the group's, which guards all but Due
	kind Kind

	places []*Place
	list   []*Place // a copy that nobody changes, nil when it must be made anew

	frames []byte // never changed, only added to
	base   int64  // where they begin
	walked int64  // all readers are here, or further
	sent   uint64 // messages ever
	bytes  uint64 // that they had before they were framed
	called bool   // somebody walks, or will

	// Due is when the carrier walks next. Only whoever was called touches it.
	Due time.Time
}

// New makes the feed of a group, whose lock it shares.
func New(mu *sync.Mutex, kind Kind) *Feed { return &Feed{mu: mu, kind: kind} }

// Kind returns what its readers have in common.
func (f *Feed) Kind() Kind { return f.kind }

// Frame returns a message as the readers get it, or nil where it must be handed to
// them: it is not forwarded, is too large, or cannot be sent.
//
//parley:noescape
func (f *Feed) Frame(typ string, message *parley.Prepared) []byte {
	if message == nil || !message.Valid() || !f.kind.Table.Forwards(typ) {
		return nil
	}
	frame := f.kind.Carrier.Frame(message)
	if len(frame) > f.kind.Carrier.Window() {
		return nil
	}
	return frame
}

// HasRoom reports whether readers have room for a frame. If not, a walk makes some.
// The caller holds the lock.
func (f *Feed) HasRoom(frame []byte) bool {
	return f.end()-f.walked+int64(len(frame)) <= int64(f.kind.Carrier.Window())
}

// Append gives all readers the frame, for which they have room, of a message of so
// many bytes. The caller holds the lock.
func (f *Feed) Append(frame []byte, bytes int) {
	if f.frames == nil {
		f.frames = slices.Clip(frame) // one alone needs no copy
	} else {
		f.frames = append(f.frames, frame...)
	}
	f.sent++
	f.bytes += uint64(bytes)
	if !f.called {
		f.called = true
		f.kind.Carrier.Call(f)
	}
}

// Seats calls do for each reader's seat. The caller holds the lock.
//
//parley:inline
func (f *Feed) Seats(do func(Seat)) {
	for _, p := range f.places {
		do(p.seat)
	}
}

// Readers returns how many there are. The caller holds the lock.
func (f *Feed) Readers() int { return len(f.places) }

//parley:inline
func (f *Feed) end() int64 { return f.base + int64(len(f.frames)) }

//parley:inline
func (f *Feed) mark() mark { return mark{uint32(f.end()), uint32(f.sent), uint32(f.bytes)} }

// Walk has all readers catch up. Several goroutines may walk at once.
func (f *Feed) Walk() {
	f.mu.Lock()
	end, places := f.end(), f.snapshot()
	f.mu.Unlock()
	catchUp(places)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.walkedTo(end)
}

// Done reports whether there is nothing to walk for; if so, the next Append calls
// again.
//
//parley:noescape
func (f *Feed) Done() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.called = f.walked < f.end()
	if !f.called {
		f.list = nil // eight bytes a reader, for which idle ones have no use
	}
	return !f.called
}

func (f *Feed) snapshot() []*Place {
	if f.list == nil {
		f.list = slices.Clone(f.places)
	}
	return f.list
}

// walkedTo lets go of what all have. Who took it before may still be writing it.
//
//parley:inline
func (f *Feed) walkedTo(end int64) {
	if end <= f.walked {
		return
	}
	f.walked = end
	f.frames = f.frames[end-f.base:]
	f.base = end
	if len(f.frames) == 0 {
		f.frames = nil
	}
}

// catchUp works with several goroutines where that is worth while.
func catchUp(places []*Place) {
	const worthwhile = 256 // readers
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(places)); i = next.Add(1) - 1 {
			places[i].reader.CatchUp()
		}
	}
	var others sync.WaitGroup
	for range min(len(places)/worthwhile, runtime.GOMAXPROCS(0)-1) {
		others.Go(work)
	}
	work()
	others.Wait()
}
