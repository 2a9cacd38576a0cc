package inspect

import (
	"slices"
	"sync"
	"time"

	"github.com/parleygo/parley"
)

// The plots show the last five minutes, a sample a second. Samples are taken by those
// who look, so that nothing runs while nobody does.
const (
	sampleEvery = time.Second
	keptSamples = 300
)

// sample is the figures of one moment. Counts grow for ever: the page makes rates of
// them.
type sample struct {
	at time.Duration // as meter.Now tells it

	Now        int64  `json:"t"`
	Sockets    int    `json:"sockets"`
	Streams    int    `json:"streams"` // HTTP conversations that wait for their end
	Sessions   int    `json:"sessions"`
	Requests   int    `json:"requests"` // being served
	Served     uint64 `json:"served"`
	In         uint64 `json:"in"` // messages
	Out        uint64 `json:"out"`
	BytesIn    uint64 `json:"bytesIn"`
	BytesOut   uint64 `json:"bytesOut"`
	Queued     int    `json:"queued"`  // messages to be taken by clients
	Waiting    int    `json:"waiting"` // their bytes
	Slow       uint64 `json:"slow"`
	Calls      int    `json:"calls"`   // on bridges, at work
	Calling    int    `json:"calling"` // waiting for their turn
	Goroutines int    `json:"goroutines"`
	Heap       uint64 `json:"heap"`
}

// add counts a conversation.
func (s *sample) add(c parley.Conversation) {
	s.Queued += c.Queued
	s.Waiting += c.QueuedBytes
	if c.Protocol == parley.HTTP {
		s.Streams++
	}
}

// samples keeps the last ones, whoever took them.
type samples struct {
	mu   sync.Mutex
	list []sample
}

// add keeps a sample, unless another viewer has just taken one.
func (s *samples) add(now sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.list); n > 0 && now.at-s.list[n-1].at < sampleEvery*9/10 {
		return
	}
	if len(s.list) == keptSamples {
		s.list = slices.Delete(s.list, 0, 1)
	}
	s.list = append(s.list, now)
}

// since returns the samples since a time, as meter.Now tells it.
func (s *samples) since(at time.Duration) []sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.list {
		if s.list[i].at >= at {
			return slices.Clone(s.list[i:])
		}
	}
	return []sample{}
}
