package nethttp

import (
	"context"
	"iter"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley/internal/leakguard"
	"github.com/parleygo/parley/internal/meter"
)

// record is one HTTP request that is being served, for those who look on: who counts,
// who drains, and who looks for apps that do not end.
type record struct {
	lane       uint8  // which shard the request is in, of those of its gateway
	shard      *shard // while it is listed
	prev, next *record
	in         bool // it is listed
	timed      bool
	begun      time.Duration   // if timed, as meter.Now tells it
	ctx        context.Context // the request's
	path       string
	since      time.Duration // when it began, or not long before
	gone       time.Duration // when it was seen to be over, if it was
	over       bool
	reported   bool      // as overdue
	conn       *httpConn // nil: the request is a handler's alone

	stream atomic.Bool // the app waits for its end, if for anything
	told   atomic.Bool // the app was told of a drain
	broke  atomic.Bool // an app below middleware did not return
	cut    atomic.Bool // a drain waits for it no more
}

// shard is some of the requests being served. There are several, so that those who
// serve them do not wait for each other.
type shard struct {
	mu     sync.Mutex
	first  *record
	live   int
	served uint64
	broken uint64 // of those, whose app did not return
	drain  [2]DrainCount

	times meter.Histogram
	_     [64]byte // the next one's lines are others' to write
}

const shards = 32 // a power of two

// requests lists what is being served.
type requests struct {
	shards  [shards]atomic.Pointer[shard]
	guard   *leakguard.Guard
	clock   atomic.Int64 // the time of the last look, or of the first request after it
	looking atomic.Bool  // a look is to come
}

// records are for handlers' requests of all gateways. A conn has its own.
var records = sync.Pool{New: func() any { return &record{lane: someLane()} }}

// someLane is for a new record, which keeps it: the pools that records come from keep
// them near one processor.
func someLane() uint8 { return uint8(rand.Uint32() % shards) }

// makeShard returns the shard of a lane, which is made when somebody takes it: a gateway
// with few requests at a time has few.
func (q *requests) makeShard(lane uint8) *shard {
	q.shards[lane].CompareAndSwap(nil, new(shard))
	return q.shards[lane].Load()
}

// made are the shards that there are.
func (q *requests) made() iter.Seq[*shard] {
	return func(yield func(*shard) bool) {
		for i := range q.shards {
			if s := q.shards[i].Load(); s != nil && !yield(s) {
				return
			}
		}
	}
}

// timeOneIn is which part of the requests is timed: a look at the clock costs more
// than all the rest.
const timeOneIn = 16

// timeBounds are the buckets of the time that requests take.
var timeBounds = meter.Durations{
	500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond,
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2500 * time.Millisecond,
	5 * time.Second, 10 * time.Second, 30 * time.Second,
}

// enter lists a request.
func (rec *record) enter(q *requests, r *http.Request) {
	if !q.looking.Load() {
		q.lookLater(q.guard)
	}
	s := q.shards[rec.lane].Load()
	if s == nil {
		s = q.makeShard(rec.lane)
	}
	s.mu.Lock()
	rec.shard = s
	rec.ctx, rec.path, rec.in = r.Context(), r.RequestURI, true
	rec.since, rec.over, rec.reported = time.Duration(q.clock.Load()), false, false
	if rec.next = s.first; s.first != nil {
		s.first.prev = rec
	}
	s.first = rec
	s.live++
	rec.timed = (s.served+uint64(s.live))%timeOneIn == 1
	s.mu.Unlock()
	if rec.timed {
		rec.begun = meter.Now()
	}
}

// leave takes it out again. broke means that the app did not return, and how is how
// it ended in a drain, if there is one.
//
//parley:noescape
func (rec *record) leave(broke bool, how how) {
	if !rec.in {
		return
	}
	s := rec.shard
	if rec.timed {
		s.times.Observe(timeBounds.Of(meter.Now() - rec.begun))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if rec.prev != nil {
		rec.prev.next = rec.next
	} else {
		s.first = rec.next
	}
	if rec.next != nil {
		rec.next.prev = rec.prev
	}
	rec.shard, rec.prev, rec.next, rec.ctx, rec.in = nil, nil, nil, nil, false
	s.live--
	s.served++
	if broke || rec.broke.Load() {
		s.broken++
	}
	if how != notDrained {
		kind := &s.drain[0]
		if rec.stream.Load() {
			kind = &s.drain[1]
		}
		kind.add(how)
	}
}

// serve has a handler serve the request. It is on the stack for the leak guard.
//
//go:noinline
//parley:noescape
func (rec *record) serve(h http.Handler, w http.ResponseWriter, r *http.Request) {
	h.ServeHTTP(w, r)
	runtime.KeepAlive(rec)
}
