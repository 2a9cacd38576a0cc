package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// kept is a message of a stream.
type kept struct {
	sequence uint64
	at       time.Time // when the server had it, by its clock
	subject  string
	header   natsgo.Header
	data     []byte
}

// question is what to read of a stream: what is on a filter, from a number on, and to one
// at least, if it is not 0.
type question struct {
	stream, filter string
	from, to       uint64
	headersOnly    bool
}

// consumer is one that nobody will miss.
func (q *question) consumer(idle time.Duration) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Name:              rand.Text(),
		FilterSubject:     q.filter,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       max(q.from, 1),
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: idle,
		MemoryStorage:     true,
		Replicas:          1,
		HeadersOnly:       q.headersOnly,
	}
}

// read returns the answer, the oldest first, and what time it was for the server. It may
// lag behind by what is not yet on all replicas. Where a consumer ends early others go on,
// to where the stream ended then: what comes and goes all the time would never let them end
// otherwise. Such an answer is not whole: a message may be missing whose subject has had
// another meanwhile.
func (t *Transport) read(
	ctx context.Context, q question,
) (now time.Time, messages []kept, whole bool, err error) {
	for whole = true; ; whole = false {
		asked, part, complete, err := t.readOnce(ctx, &q)
		if now.IsZero() {
			now = asked
		}
		if err != nil {
			return now, nil, false, err
		}
		messages = append(messages, part...)
		if complete {
			return now, messages, whole, nil
		}
		if len(part) > 0 {
			q.from = part[len(part)-1].sequence + 1
		}
		if q.from > q.to {
			return now, messages, false, nil
		}
	}
}

// readOnce reads with one consumer: to its end, or to the end of the question, or until less
// comes than the consumer said. That may have been purged: a consumer of NATS 2.9 goes on to
// count it. Or where another subject was purged it has skipped what is there, and counts that
// until it is asked.
func (t *Transport) readOnce(
	ctx context.Context, q *question,
) (now time.Time, messages []kept, complete bool, err error) {
	consumer, err := t.js.CreateConsumer(ctx, q.stream, q.consumer(t.options.Timeout))
	if err != nil {
		return now, nil, false, err
	}
	info := consumer.CachedInfo()
	defer t.release(q.stream, info.Name)
	empty := 0
	for pending := info.NumPending; pending > 0; {
		most, less := int(min(pending, 1000)), false
		batch, err := t.part(ctx, q, info.Name, most)
		switch {
		case errors.Is(err, natsgo.ErrNoResponders) && len(batch) == 0 && sleep(ctx) == nil:
			continue // our server has not heard of the consumer yet
		case err == nil && len(batch) == 0: // or the server is slow
			empty++
			pending, less, err = t.left(ctx, q.stream, info.Name, len(messages))
			less = less || pending == 0 || empty == 3
		case err == nil:
			messages, pending, less, err = keep(messages, batch)
			less = less || pending > 0 && len(batch) < most
		}
		if less = less || pending > 0 && q.ended(messages); err == nil && (less || pending > 0) {
			err = t.limit(ctx, q)
		}
		if err != nil || less {
			return info.Created, messages, false, err
		}
	}
	return info.Created, messages, empty == 0, nil
}

// part returns the next messages of a consumer. There are none if nobody answers, or if the
// consumer is gone.
func (t *Transport) part(
	ctx context.Context, q *question, name string, most int,
) ([]*natsgo.Msg, error) {
	soon, cancel := context.WithTimeout(ctx, silence+t.options.Timeout/4)
	defer cancel()
	batch, err := t.pull(soon, q.stream, name, pull{Batch: most, Expires: silence}, q.ends)
	if ctx.Err() == nil && (soon.Err() != nil || errors.Is(err, errPassed)) {
		err = nil
	}
	return batch, err
}

// limit has a question end where its stream does now, if it has no end yet.
func (t *Transport) limit(ctx context.Context, q *question) error {
	if q.to > 0 {
		return nil
	}
	stream, err := t.js.Stream(ctx, q.stream)
	if err == nil {
		q.to = stream.CachedInfo().State.LastSeq
	}
	return err
}

// keep appends messages, and returns how many are behind them. What a slow server has sent
// when nobody waited for it any more is lost: the messages end in front of that.
func keep(
	messages []kept, batch []*natsgo.Msg,
) (all []kept, pending uint64, lost bool, err error) {
	for _, m := range batch {
		meta, err := m.Metadata()
		if err != nil {
			return nil, 0, false, err
		}
		if meta.Sequence.Consumer != uint64(len(messages))+1 {
			return messages, 0, true, nil
		}
		pending = meta.NumPending
		messages = append(messages, kept{
			meta.Sequence.Stream, meta.Timestamp, m.Subject, m.Header, m.Data})
	}
	return messages, pending, false, nil
}

// silence is after how long a server is asked again what it has, if nothing comes.
const silence = 200 * time.Millisecond

// left returns how many messages a consumer still has, and whether it has sent more than
// have come.
func (t *Transport) left(
	ctx context.Context, stream, name string, came int,
) (pending uint64, lost bool, err error) {
	consumer, err := t.js.Consumer(ctx, stream, name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return 0, true, nil // it is gone with its server
	} else if err != nil {
		return 0, false, err
	}
	info := consumer.CachedInfo()
	return info.NumPending, info.Delivered.Consumer > uint64(came), nil
}

// ends reports whether a message is the last that is wanted, or that there is.
func (q *question) ends(m *natsgo.Msg) bool {
	meta, err := m.Metadata()
	return err == nil && (meta.NumPending == 0 || q.to > 0 && meta.Sequence.Stream >= q.to)
}

// ended reports whether messages go as far as is wanted.
func (q *question) ended(messages []kept) bool {
	return q.to > 0 && len(messages) > 0 && messages[len(messages)-1].sequence >= q.to
}

// sleep is for what will be right in a moment.
func sleep(ctx context.Context) error {
	select {
	case <-time.After(2 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// release has the server forget a consumer earlier than it would by itself. Nobody waits
// for the answer.
func (t *Transport) release(stream, consumer string) {
	_ = t.conn.PublishRequest(fmt.Sprintf("$JS.API.CONSUMER.DELETE.%s.%s", stream, consumer),
		t.conn.NewInbox(), nil)
}

// size of a message's payload, be it that only its header was read.
func (k *kept) size() int {
	var size int
	if text := k.header.Get("Nats-Msg-Size"); text != "" {
		if _, err := fmt.Sscan(text, &size); err == nil {
			return size
		}
	}
	return len(k.data)
}
