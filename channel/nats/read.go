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

// question is what to read of a stream: what is on a filter, from a number on.
type question struct {
	stream, filter string
	from           uint64
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
// lag behind by what is not yet on all replicas.
func (t *Transport) read(
	ctx context.Context, q question,
) (now time.Time, messages []kept, err error) {
	for {
		asked, part, complete, err := t.readOnce(ctx, q)
		if now.IsZero() {
			now = asked
		}
		if err != nil {
			return now, nil, err
		}
		if messages = append(messages, part...); complete {
			return now, messages, nil
		}
		if len(part) > 0 {
			q.from = part[len(part)-1].sequence + 1
		}
	}
}

// readOnce reads with one consumer, until nothing comes some times: what was to come has
// been purged, and a consumer of NATS 2.9 goes on to count it.
func (t *Transport) readOnce(
	ctx context.Context, q question,
) (now time.Time, messages []kept, complete bool, err error) {
	consumer, err := t.js.CreateConsumer(ctx, q.stream, q.consumer(t.options.Timeout))
	if err != nil {
		return now, nil, false, err
	}
	info := consumer.CachedInfo()
	defer t.release(q.stream, info.Name)
	empty := 0
	for pending := info.NumPending; pending > 0; {
		batch, err := t.pull(ctx, q.stream, info.Name,
			pull{Batch: int(min(pending, 1000)), Expires: silence}, newest)
		switch {
		case errors.Is(err, natsgo.ErrNoResponders) && len(batch) == 0 && sleep(ctx) == nil:
			continue // our server has not heard of the consumer yet
		case err == nil && len(batch) == 0: // or the server is slow
			if empty++; empty == 3 {
				return info.Created, messages, false, nil
			}
			var lost bool
			if pending, lost, err = t.left(ctx, q.stream, info.Name, len(messages)); lost || err == nil && pending == 0 {
				// Where another subject is purged a consumer of NATS 2.9 skips what is there.
				return info.Created, messages, false, nil
			}
		case err == nil:
			var lost bool
			if messages, pending, lost, err = keep(messages, batch); lost {
				return info.Created, messages, false, nil
			}
		}
		if err != nil {
			return info.Created, nil, false, err
		}
	}
	return info.Created, messages, true, nil
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
	if err != nil {
		return 0, false, err
	}
	info := consumer.CachedInfo()
	return info.NumPending, info.Delivered.Consumer > uint64(came), nil
}

// newest reports whether nothing is behind a message.
func newest(m *natsgo.Msg) bool {
	meta, err := m.Metadata()
	return err == nil && meta.NumPending == 0
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
