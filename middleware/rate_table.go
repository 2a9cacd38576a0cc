package middleware

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
	"golang.org/x/time/rate"
)

// bucket is what is left of one key's limits.
type bucket struct {
	requests, handshakes, messages, bytes *rate.Limiter // nil is no limit

	open atomic.Int64 // conversations that hold it; raised under the shard's lock

	key        rateKey
	used       time.Time // guarded by the shard, as are the links
	newer, old *bucket
}

// admit takes one received message out of the limits.
//
//parley:noescape
func (b *bucket) admit(message parley.WebSocketReceive) error {
	now := time.Now()
	tooMany := b.messages != nil && !b.messages.AllowN(now, 1)
	if tooMany || b.bytes != nil && !b.bytes.AllowN(now, len(message.Data)) {
		return parley.ErrRateLimited
	}
	return nil
}

// rateTable finds the bucket of a key. It is bounded, and forgets idle keys as new
// ones come.
type rateTable struct {
	seed   maphash.Seed
	idle   time.Duration // after which a bucket is as good as new
	make   func() *bucket
	shards []rateShard
}

// rateShard is a part of the table: a map, and a list in the order of use.
type rateShard struct {
	mu      sync.Mutex
	buckets map[rateKey]*bucket
	ends    bucket // of the ring: newer is the oldest, old the newest
	max     int
}

func (t *rateTable) init(maxKeys int, idle time.Duration, makeBucket func() *bucket) {
	t.seed, t.idle, t.make = maphash.MakeSeed(), idle, makeBucket
	count := 1
	for count < 16 && maxKeys/count >= 1024 { // small tables keep to their bound exactly
		count *= 2
	}
	t.shards = make([]rateShard, count)
	for i := range t.shards {
		s := &t.shards[i]
		s.buckets, s.max = make(map[rateKey]*bucket), max(1, maxKeys/count)
		s.ends.newer, s.ends.old = &s.ends, &s.ends
	}
}

//parley:noescape
func (t *rateTable) shardOf(key rateKey) *rateShard {
	if len(t.shards) == 1 {
		return &t.shards[0]
	}
	hash := maphash.String(t.seed, key.text)
	hash ^= key.network * 0x9e3779b97f4a7c15 >> 32 // neighbours spread over the shards
	return &t.shards[hash%uint64(len(t.shards))]
}

// acquire returns the bucket of key, held, or nil if there is no room for it.
func (t *rateTable) acquire(key rateKey, now time.Time) *bucket {
	s := t.shardOf(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[key]
	if b == nil {
		if !s.makeRoom(now.Add(-t.idle)) {
			return nil
		}
		b = t.make()
		key.text = strings.Clone(key.text) // it may be a part of something larger
		b.key = key
		s.buckets[key] = b
	} else {
		s.unlink(b)
	}
	b.used = now
	s.link(b)
	b.open.Add(1)
	return b
}

func (t *rateTable) release(b *bucket) { b.open.Add(-1) }

// makeRoom forgets up to two buckets that are as good as new, so that a table
// whose clients change does not grow, and one more if it has to. Buckets that are
// held stay, and go to the end of the line.
func (s *rateShard) makeRoom(stale time.Time) bool {
	for range 8 {
		oldest := s.ends.newer
		full := len(s.buckets) >= s.max
		switch {
		case oldest == &s.ends, !full && oldest.used.After(stale):
			return !full
		case oldest.open.Load() > 0:
			s.unlink(oldest)
			s.link(oldest)
		default:
			s.unlink(oldest)
			delete(s.buckets, oldest.key)
		}
	}
	return len(s.buckets) < s.max
}

//parley:inline
func (s *rateShard) unlink(b *bucket) { b.old.newer, b.newer.old = b.newer, b.old }

// link makes b the newest.
//
//parley:inline
func (s *rateShard) link(b *bucket) {
	newest := s.ends.old
	b.old, b.newer = newest, &s.ends
	newest.newer, s.ends.old = b, b
}
