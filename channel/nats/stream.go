package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleygo/parley/channel"
)

// All logs of a prefix are in one stream. The end of its name is their epoch: whoever
// makes a stream makes another name, and whatever comes from a stream bears its name.
//
// The first entry of a stream is its mark. Where that is missing the stream has lost its
// memory: it was purged, or its server was, and numbers may begin anew. Then it is
// deleted, and another made.
type stream struct {
	transport *Transport
	name      string
	epoch     string
	stream    jetstream.Stream
	highest   atomic.Uint64 // of the numbers that were seen
	proof     proof

	mu      sync.Mutex
	config  jetstream.StreamConfig
	born    time.Time // by the clock of this process
	floor   uint64    // of root
	floorAt time.Time
	marked  time.Time
}

// streams holds the stream that is known to be the right one.
type streams struct {
	transport *Transport
	opening   chan struct{} // held by whoever opens

	mu      sync.Mutex
	current *stream
}

const (
	lull        = 20 * time.Millisecond // before a stream is looked for again
	retention   = 24 * time.Hour        // how long entries stay that nobody reads any more
	unmarked    = 2 * time.Second       // in which whoever makes a stream has to mark it
	look        = unmarked / 10         // counts for no more: all may have stood still meanwhile
	markSubject = "="                   // no subject of the layer becomes this
)

func (s *streams) init(t *Transport) {
	s.transport, s.opening = t, make(chan struct{}, 1)
}

func (s *streams) prefix() string { return s.transport.options.Prefix + "-log-" }

func (s *streams) mark() string { return s.transport.options.Prefix + stored + markSubject }

func (s *streams) known() *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

func (s *streams) set(current *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = current
}

// forget has the next who needs the stream look for it.
func (s *streams) forget(old *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == old {
		s.current = nil
	}
}

// lost forgets a stream that does not answer. It reports whether it makes sense to try
// again, after a pause.
func (s *streams) lost(ctx context.Context, old *stream) bool {
	s.forget(old)
	select {
	case <-time.After(lull):
		return true
	case <-ctx.Done():
		return false
	}
}

// gone reports whether an error says that there is no such stream, or none that works.
func gone(err error) bool {
	return errors.Is(err, errUnmarked) || errors.Is(err, jetstream.ErrStreamNotFound) ||
		errors.Is(err, jetstream.ErrNoStreamResponse) || unavailable(err)
}

// unavailable reports whether a cluster says that it has not found itself yet. The same
// number stands for what no time mends: there is no JetStream here, or no room in it.
func unavailable(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.Code == 503 && !slices.Contains(lasting, api.ErrorCode)
}

// lasting are errors of JetStream: not enabled, neither for the account; no resources, and
// what was published was not stored.
var lasting = []jetstream.ErrorCode{10076, 10039, 10023, 10077}

// open returns the stream, which is made if there is none, and has room for what is to
// be kept.
func (s *streams) open(ctx context.Context, keep channel.Keep) (*stream, error) {
	if current := s.known(); current != nil && current.keeps(keep) {
		current.remark()
		return current, nil
	}
	select {
	case s.opening <- struct{}{}:
		defer func() { <-s.opening }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	current := s.known()
	for current == nil {
		found, err := s.find(ctx)
		if err != nil && (!gone(err) || !s.lost(ctx, nil)) {
			return nil, err
		}
		current = found
	}
	s.set(current)
	return current, current.grow(ctx, keep)
}

// find looks for the stream, makes one if there is none, and sees to it that it is marked.
func (s *streams) find(ctx context.Context) (*stream, error) {
	t := s.transport
	name, err := t.js.StreamNameBySubject(ctx, s.mark())
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return s.create(ctx)
	} else if err != nil {
		return nil, err
	}
	epoch, ours := strings.CutPrefix(name, s.prefix())
	if !ours {
		return nil, fmt.Errorf("stream %s has our subjects", name)
	}
	handle, err := t.js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	found := &stream{transport: t, name: name, epoch: epoch, stream: handle,
		config: handle.CachedInfo().Config}
	if err := s.awaitMark(ctx, found); err != nil {
		return nil, err
	}
	return found, nil
}

// awaitMark returns when a stream bears its mark. One that gets none in time is deleted.
func (s *streams) awaitMark(ctx context.Context, found *stream) error {
	t := s.transport
	for waited := time.Duration(0); ; {
		looked := time.Now()
		now, marks, _, err := t.read(ctx,
			question{stream: found.name, filter: s.mark(), headersOnly: true})
		if err != nil {
			return err
		}
		if len(marks) > 0 {
			found.date(now, found.stream.CachedInfo(), marks[len(marks)-1].at)
			return nil
		}
		if waited >= unmarked {
			return errors.Join(errUnmarked, t.js.DeleteStream(ctx, found.name))
		}
		if !s.lost(ctx, nil) {
			return context.Cause(ctx)
		}
		waited += min(time.Since(looked), look)
	}
}

var errUnmarked = errors.New("the stream has lost its memory")

// create makes a stream. Where two do at the same time one succeeds, for their
// subjects overlap, and the other finds its stream.
func (s *streams) create(ctx context.Context) (*stream, error) {
	t, epoch := s.transport, rand.Text()[:16]
	prefix := t.options.Prefix
	config := jetstream.StreamConfig{
		Name:              s.prefix() + epoch,
		Description:       "history of groups, kept by Parley",
		Subjects:          []string{prefix + stored + ">"},
		Storage:           t.options.Storage,
		Replicas:          t.options.Replicas,
		MaxMsgsPerSubject: 1001, // grows, as MaxAge does
		MaxAge:            retention,
		Discard:           jetstream.DiscardOld,
		RePublish: &jetstream.RePublish{
			Source: prefix + stored + ">", Destination: prefix + live + ">"},
	}
	handle, err := t.js.CreateStream(ctx, config)
	if err != nil {
		return nil, overlapping(err)
	}
	if err := s.putMark(ctx, jetstream.WithExpectLastSequence(0),
		jetstream.WithRetryWait(lull), jetstream.WithRetryAttempts(int(unmarked/lull))); err != nil {
		return nil, err
	}
	made := &stream{transport: t, name: config.Name, epoch: epoch, stream: handle,
		config: handle.CachedInfo().Config}
	now := handle.CachedInfo().Created
	made.date(now, handle.CachedInfo(), now)
	return made, nil
}

// putMark marks the stream that there is. One that has just been made may not listen yet.
func (s *streams) putMark(ctx context.Context, how ...jetstream.PublishOpt) error {
	m := &natsgo.Msg{Subject: s.mark()}
	identify(m)
	_, err := s.transport.js.PublishMsg(ctx, m, how...)
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return errors.Join(errUnmarked, err) // or it is, and the answer was lost: look again
	}
	return err
}

// overlapping has a stream looked for again that somebody else makes at the same time.
func overlapping(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == 10065 { // subjects overlap
		return errors.Join(jetstream.ErrStreamNotFound, err)
	}
	return err
}

// renew has a stream that has lost its memory replaced.
func (s *streams) renew(ctx context.Context, old *stream) error {
	s.forget(old)
	err := s.transport.js.DeleteStream(ctx, old.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil // others have found out too
	}
	return err
}

// epochOf returns the epoch of another stream of the same prefix.
func (s *stream) epochOf(name string) string {
	return strings.TrimPrefix(name, s.transport.streams.prefix())
}

// date remembers times by the clock of this process.
func (s *stream) date(now time.Time, info *jetstream.StreamInfo, marked time.Time) {
	here := time.Now()
	s.born = here.Add(-now.Sub(info.Created))
	s.marked = here.Add(-now.Sub(marked))
	s.floor, s.floorAt = info.State.LastSeq, here
	s.saw(info.State.LastSeq)
}

func (s *stream) saw(sequence uint64) {
	for highest := s.highest.Load(); sequence > highest; highest = s.highest.Load() {
		if s.highest.CompareAndSwap(highest, sequence) {
			return
		}
	}
}

// root is the offset before the first entry of a subject: 0, unless the stream is so old
// that earlier entries may have gone with their age. Those are no newer than all there
// was at a time that is not longer ago.
func (s *stream) root() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	age := s.config.MaxAge
	if age == 0 || time.Since(s.born) < age {
		return 0
	}
	if time.Since(s.floorAt) >= age {
		s.floor, s.floorAt = s.highest.Load(), time.Now()
	}
	return s.floor
}

func (s *stream) keeps(keep channel.Keep) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, grows := grown(s.config, keep)
	return !grows
}

// grow gives the stream the bounds that a log wants at least. Others may have it grown too,
// so where nobody answers it looks again.
func (s *stream) grow(ctx context.Context, keep channel.Keep) error {
	for pause := silent; !s.keeps(keep); pause *= 2 {
		info, err := s.stream.Info(ctx)
		if err != nil {
			return err
		}
		config, grows := grown(info.Config, keep)
		if grows {
			soon, cancel := context.WithTimeout(ctx, pause)
			_, err = s.transport.js.UpdateStream(soon, config)
			unanswered := soon.Err() != nil && ctx.Err() == nil
			cancel()
			if unanswered {
				continue
			} else if err != nil {
				return err
			}
		}
		s.mu.Lock()
		s.config = config
		s.mu.Unlock()
	}
	return nil
}

// grown returns the bounds of a stream that has room for a log of these. It keeps one
// message more of each subject, and all of them for longer: the newest tells where a
// log was when all is gone, and the one before the oldest whether something is missing.
func grown(c jetstream.StreamConfig, keep channel.Keep) (jetstream.StreamConfig, bool) {
	grows := false
	switch {
	case c.MaxMsgsPerSubject < 0:
	case keep.Messages == math.MaxInt:
		c.MaxMsgsPerSubject, grows = -1, true
	case int64(keep.Messages) >= c.MaxMsgsPerSubject:
		c.MaxMsgsPerSubject, grows = int64(keep.Messages)+1, true
	}
	switch {
	case c.MaxAge == 0:
	case keep.Age > math.MaxInt64/2:
		c.MaxAge, grows = 0, true
	case 2*keep.Age > c.MaxAge:
		c.MaxAge, grows = 2*keep.Age, true
	}
	return c, grows
}

// verify returns the number of the newest message of a subject, 0 if there is none. It
// fails if the stream has lost its memory.
func (s *stream) verify(ctx context.Context, wire string) (last uint64, err error) {
	marked := make(chan error, 1)
	go func() {
		_, err := s.stream.GetLastMsgForSubject(ctx, s.transport.streams.mark())
		marked <- err
	}()
	newest, err := s.stream.GetLastMsgForSubject(ctx, wire)
	if err == nil {
		last = newest.Sequence
	} else if errors.Is(err, jetstream.ErrMsgNotFound) {
		err = nil
	}
	if missing := <-marked; errors.Is(missing, jetstream.ErrMsgNotFound) {
		return 0, errors.Join(errUnmarked, s.transport.streams.renew(ctx, s))
	} else if missing != nil {
		return 0, missing
	}
	s.saw(last)
	return last, err
}

// remark marks the stream again before its mark becomes too old.
func (s *stream) remark() {
	s.mu.Lock()
	due := s.config.MaxAge > 0 && time.Since(s.marked) > s.config.MaxAge/4
	if due {
		s.marked = time.Now()
	}
	s.mu.Unlock()
	if due {
		s.transport.background(func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, s.transport.options.Timeout)
			defer cancel()
			// It fails if the stream is gone, which is found out elsewhere.
			_ = s.transport.streams.putMark(ctx, jetstream.WithExpectStream(s.name))
		})
	}
}
