package nats

import (
	"context"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// sweeps are the marks that are to be purged, one after the other. What is left of them
// goes with the stay of their owner.
type sweeps struct {
	bucket *bucket

	mu    sync.Mutex
	marks []mark
	busy  bool
}

type mark struct {
	subject  string
	sequence uint64
}

const mostMarks = 100_000 // more are left to the end of the stay

func (s *sweeps) add(subject string, sequence uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.marks) < mostMarks {
		s.marks = append(s.marks, mark{subject, sequence})
	}
	if !s.busy {
		s.busy = s.bucket.transport.background(s.run)
	}
}

func (s *sweeps) run(ctx context.Context) {
	for {
		s.mu.Lock()
		marks := s.marks
		s.marks = nil
		s.busy = len(marks) > 0
		s.mu.Unlock()
		if len(marks) == 0 {
			return
		}
		for _, m := range marks {
			if ctx.Err() != nil || !s.bucket.isOpen() {
				break // it is over, or the bucket is gone
			}
			s.sweep(ctx, m)
		}
	}
}

// sweep purges a mark, but no record that has taken its place.
func (s *sweeps) sweep(ctx context.Context, m mark) {
	ctx, cancel := context.WithTimeout(ctx, s.bucket.transport.options.Timeout)
	defer cancel()
	_ = s.bucket.handle().Purge(ctx, jetstream.WithPurgeSubject(m.subject),
		jetstream.WithPurgeSequence(m.sequence+1))
}
