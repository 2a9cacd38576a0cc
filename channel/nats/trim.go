package nats

import (
	"context"
	"sync"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleygo/parley/channel"
)

// A stream counts the messages of a subject, but not their bytes, and it counts up to the
// largest number that any log wants. What is beyond the bounds of a log is hidden from
// readers, and purged when this process has appended as much again.
type trims struct {
	mu    sync.Mutex
	used  map[string]usage // by subject
	busy  int
	owner *stream
}

// usage is what was appended since the subject was last trimmed.
type usage struct{ messages, bytes int }

const (
	trimmers = 4      // at once
	tracked  = 10_000 // subjects; who has more forgets, and trims later
)

func (t *trims) appended(s *stream, m *natsgo.Msg, keep channel.Keep) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.owner != s || len(t.used) >= tracked {
		t.owner, t.used = s, make(map[string]usage)
	}
	u := t.used[m.Subject]
	u.messages++
	u.bytes += len(m.Data)
	t.used[m.Subject] = u
	if (u.messages <= keep.Messages && u.bytes <= keep.Bytes) || t.busy == trimmers {
		return
	}
	subject := m.Subject
	if s.transport.background(func(ctx context.Context) {
		defer t.done()
		s.trim(ctx, subject)
	}) {
		t.busy++
		delete(t.used, subject)
	}
}

func (t *trims) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy--
}

// trim purges what a log does not keep, except one message. It is tried again later if
// it fails.
func (s *stream) trim(ctx context.Context, wire string) {
	ctx, cancel := context.WithTimeout(ctx, s.transport.options.Timeout)
	defer cancel()
	now, messages, _, err := s.transport.read(ctx,
		question{stream: s.name, filter: wire, headersOnly: true})
	if err != nil {
		return
	}
	if first := min(window(messages, now), len(messages)-1); first > 1 {
		_ = s.stream.Purge(ctx, jetstream.WithPurgeSubject(wire),
			jetstream.WithPurgeSequence(messages[first-1].sequence))
	}
}
