package channel

import (
	"context"
	"sync"
	"time"

	"github.com/parleygo/parley/internal/history"
	"github.com/parleygo/parley/internal/usercode"
)

// keptMessage is a message in the log of a kept group.
type keptMessage struct {
	message Message
	except  Name // who does not get it
	own     bool // somebody on this layer may wait for it
}

type (
	keptEntry = history.Entry[*keptMessage]
	keptPast  = history.Past[*keptMessage]
)

// shelf is where a kept group's log can be read.
type shelf interface {
	since(ctx context.Context, after Position, limit int) (keptPast, error)
}

// memoryShelf is the log of a group on a layer that is alone.
type memoryShelf struct {
	mu    sync.Mutex
	epoch string
	log   history.Log[*keptMessage]
}

func (s *memoryShelf) append(p *keptMessage, keep Keep) keptEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Append(p, len(p.message.Payload()), time.Now(), history.Bounds(keep))
}

func (s *memoryShelf) since(_ context.Context, after Position, limit int) (keptPast, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.Trim(time.Now())
	_, last := s.log.Bounds()
	past := keptPast{Epoch: s.epoch, Last: last}
	if after == (Position{}) || after.Epoch == s.epoch {
		past.Entries = s.log.Since(after.Offset, limit)
	}
	past.Complete = len(past.Entries) < limit
	return past, nil
}

// idle lets go of what is too old, and returns for how long nothing has come. A log is
// blank that nothing was ever sent to.
func (s *memoryShelf) idle(now time.Time) (d time.Duration, blank bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.Trim(now)
	_, last := s.log.Bounds()
	return s.log.Idle(now), last == 0
}

// wireShelf is the log of a group at a transport.
type wireShelf struct {
	wire    *wire
	subject string
}

func (s *wireShelf) since(
	ctx context.Context, after Position, limit int,
) (past keptPast, err error) {
	select {
	case s.wire.reads <- struct{}{}:
		defer func() { <-s.wire.reads }()
	case <-ctx.Done():
		return keptPast{}, context.Cause(ctx)
	}
	var said Past
	err = usercode.Apart(func() (err error) {
		said, err = s.wire.log.Since(ctx, s.subject, after, limit)
		return err
	})
	if err != nil {
		return keptPast{}, err
	}
	past = keptPast{Epoch: said.Epoch, Last: said.Last, Complete: len(said.Entries) < limit}
	for _, e := range said.Entries {
		past.Entries = append(past.Entries, s.unpack(e))
	}
	return past, nil
}

// unpack reads an entry. One that is not understood has a place in the log all the same,
// and a value of nil.
func (s *wireShelf) unpack(e Entry) keptEntry {
	entry := keptEntry{Offset: e.Position.Offset, Previous: e.Previous}
	w := s.wire
	envelope, err := decodeEnvelope(e.Payload)
	if err != nil || !envelope.keepable() || envelope.subject(w) != s.subject ||
		envelope.tooLarge(w.layer.options.MaxMessage) {
		return entry
	}
	message := envelope.message
	message.group = Group(envelope.target)
	message.kept = &positioned{position: e.Position}
	entry.Value = &keptMessage{message, Name(envelope.except), envelope.origin == w.layer.id}
	return entry
}
