package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleygo/parley/channel"
)

// Append implements channel.Log. The server stores the payload, tells those who follow,
// and answers with its number.
func (t *Transport) Append(
	ctx context.Context, subject string, payload []byte, keep channel.Keep,
) (channel.Position, error) {
	if ctx.Err() != nil {
		return channel.Position{}, context.Cause(ctx)
	}
	wire, err := t.subject(stored, subject)
	if err != nil {
		return channel.Position{}, err
	}
	ctx, cancel := t.request(ctx)
	defer cancel()
	message := &natsgo.Msg{Subject: wire, Data: payload,
		Header: natsgo.Header{keepHeader: []string{keepText(keep)}}}
	for {
		position, again, err := t.append(ctx, message, keep)
		if err != nil {
			return channel.Position{}, t.unanswered(ctx, err)
		}
		if !again {
			return position, nil
		}
	}
}

// append tries once. It has to be tried again if the stream is gone, or was emptied.
func (t *Transport) append(
	ctx context.Context, message *natsgo.Msg, keep channel.Keep,
) (position channel.Position, again bool, err error) {
	s, err := t.streams.open(ctx, keep)
	if err != nil {
		return position, false, err
	}
	highest := s.highest.Load()
	ack, err := s.proof.publish(ctx, t.js, message)
	switch {
	case errors.Is(err, jetstream.ErrNoStreamResponse) && t.streams.lost(ctx, s):
		return position, true, nil
	case err != nil:
		return position, false, err
	case ack.Stream != s.name: // somebody else has made another
		t.streams.forget(s)
		return channel.Position{Epoch: s.epochOf(ack.Stream), Offset: ack.Sequence}, false, nil
	case ack.Sequence <= highest && !ack.Duplicate:
		return position, true, t.streams.renew(ctx, s)
	}
	s.saw(ack.Sequence)
	t.trims.appended(s, message, keep)
	return channel.Position{Epoch: s.epoch, Offset: ack.Sequence}, false, nil
}

// Follow implements channel.Log. The server publishes once more what it has stored, with
// its number and the one before.
func (t *Transport) Follow(
	ctx context.Context, subject string, deliver func(channel.Entry),
) (channel.Subscription, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	opening, cancel := t.request(ctx)
	defer cancel()
	s, err := t.streams.open(opening, channel.Keep{})
	if err != nil {
		return nil, t.unanswered(opening, err)
	}
	sub, err := t.subscribe(ctx, live, subject, "", func(m *natsgo.Msg) {
		if entry, ok := t.entry(m); ok {
			deliver(entry)
		}
	})
	if err != nil || !t.peers.clustered() {
		return sub, err
	}
	asking, cancel := t.request(ctx) // whoever leads the stream has heard when it answers
	defer cancel()
	if _, err := s.stream.Info(asking); err != nil {
		_ = sub.Unsubscribe()
		return nil, t.unanswered(asking, err)
	}
	return sub, nil
}

// entry reads what the server has published of a stream. Others may publish there too, if
// they are allowed to.
func (t *Transport) entry(m *natsgo.Msg) (entry channel.Entry, ok bool) {
	epoch, ours := strings.CutPrefix(m.Header.Get(jetstream.StreamHeader), t.streams.prefix())
	offset, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if !ours || err != nil || offset == 0 {
		return entry, false
	}
	previous, err := strconv.ParseUint(m.Header.Get(jetstream.LastSequenceHeader), 10, 64)
	if err != nil || previous >= offset {
		return entry, false
	}
	if s := t.streams.known(); s != nil && s.epoch == epoch {
		s.saw(offset)
		if previous == 0 {
			previous = min(s.root(), offset-1)
		}
	}
	return channel.Entry{
		Position: channel.Position{Epoch: epoch, Offset: offset},
		Previous: previous, Payload: m.Data}, true
}

// Since implements channel.Log.
func (t *Transport) Since(
	ctx context.Context, subject string, after channel.Position, limit int,
) (channel.Past, error) {
	if ctx.Err() != nil {
		return channel.Past{}, context.Cause(ctx)
	}
	wire, err := t.subject(stored, subject)
	if err != nil {
		return channel.Past{}, err
	}
	ctx, cancel := t.request(ctx)
	defer cancel()
	for {
		s, err := t.streams.open(ctx, channel.Keep{})
		if err != nil {
			return channel.Past{}, t.unanswered(ctx, err)
		}
		past, err := t.since(ctx, s, wire, after, limit)
		if err == nil {
			return past, nil
		}
		if !gone(err) || !t.streams.lost(ctx, s) {
			return channel.Past{}, t.unanswered(ctx, err)
		}
	}
}

func (t *Transport) since(
	ctx context.Context, s *stream, wire string, after channel.Position, limit int,
) (past channel.Past, err error) {
	last, err := s.verify(ctx, wire)
	if err != nil {
		return past, err
	}
	root := s.root()
	past = channel.Past{Epoch: s.epoch, First: root + 1, Last: root}
	if last == 0 {
		return past, nil
	}
	now, messages, err := t.behind(ctx, s, wire, after, last, limit)
	if err != nil || len(messages) == 0 { // they became too old meanwhile
		return past, err
	}
	first := window(messages, now)
	past.Last = messages[len(messages)-1].sequence
	past.First = past.Last + 1
	if first < len(messages) {
		past.First = messages[first].sequence
	}
	if after == (channel.Position{}) || after.Epoch == s.epoch {
		past.Entries = s.entries(messages, first, after.Offset, limit)
	}
	return past, nil
}

// behind reads what is needed to answer: all there is, or what is behind an entry that is
// still there. Then the answer's First may be that entry, where an older one is kept.
func (t *Transport) behind(
	ctx context.Context, s *stream, wire string, after channel.Position, last uint64, limit int,
) (now time.Time, messages []kept, err error) {
	q := question{stream: s.name, filter: wire, headersOnly: limit <= 0}
	if after.Epoch == s.epoch && after.Offset > 0 && after.Offset <= last && limit > 0 {
		q.from = after.Offset
		now, messages, err = t.readTo(ctx, q, last)
		if err != nil || len(messages) > 0 && messages[0].sequence == after.Offset {
			return now, messages, err
		}
		q.from = 0
	}
	return t.readTo(ctx, q, last)
}

// entries returns those of the messages from first on that are behind an offset.
func (s *stream) entries(
	messages []kept, first int, after uint64, limit int,
) (all []channel.Entry) {
	for i := first; i < len(messages) && len(all) < limit; i++ {
		m := &messages[i]
		if m.sequence <= after {
			continue
		}
		previous := min(s.root(), m.sequence-1)
		if i > 0 {
			previous = messages[i-1].sequence
		}
		all = append(all, channel.Entry{
			Position: channel.Position{Epoch: s.epoch, Offset: m.sequence}, Previous: previous,
			Payload: m.data})
	}
	return all
}

// readTo reads until it has a message with this number, which is known to be there:
// the replica that answers may lag behind.
func (t *Transport) readTo(
	ctx context.Context, q question, last uint64,
) (now time.Time, messages []kept, err error) {
	for {
		now, messages, _, err = t.read(ctx, q)
		if err != nil || len(messages) > 0 && messages[len(messages)-1].sequence >= last {
			return now, messages, err
		}
		if err := sleep(ctx); err != nil {
			return now, nil, fmt.Errorf("a replica lags behind: %w", err)
		}
	}
}
