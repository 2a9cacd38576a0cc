package nats

import (
	"context"
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

// read returns the answer, the oldest first, and what time it was for the server. It may
// lag behind by what is not yet on all replicas.
func (t *Transport) read(
	ctx context.Context, q question,
) (now time.Time, messages []kept, err error) {
	consumer, err := t.js.CreateConsumer(ctx, q.stream, jetstream.ConsumerConfig{
		FilterSubject:     q.filter,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       max(q.from, 1),
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: t.options.Timeout,
		MemoryStorage:     true,
		Replicas:          1,
		HeadersOnly:       q.headersOnly,
	})
	if err != nil {
		return now, nil, err
	}
	info := consumer.CachedInfo()
	defer t.release(q.stream, info.Name)
	for pending := info.NumPending; pending > 0; {
		batch, err := take(ctx, consumer, min(pending, 1000))
		if errors.Is(err, natsgo.ErrNoResponders) && len(batch) == 0 && sleep(ctx) == nil {
			continue // our server has not heard of the consumer yet
		}
		messages = append(messages, batch...)
		if err != nil || len(batch) == 0 {
			return info.Created, messages, err
		}
		pending -= min(pending, uint64(len(batch)))
	}
	return info.Created, messages, nil
}

// take takes what is there of a number of messages.
func take(ctx context.Context, consumer jetstream.Consumer, count uint64) ([]kept, error) {
	batch, err := consumer.FetchNoWait(int(count))
	if err != nil {
		return nil, err
	}
	messages := make([]kept, 0, count)
	for {
		select {
		case m, more := <-batch.Messages():
			if !more {
				return messages, batch.Error()
			}
			meta, err := m.Metadata()
			if err != nil {
				return nil, err
			}
			messages = append(messages, kept{
				meta.Sequence.Stream, meta.Timestamp, m.Subject(), m.Headers(), m.Data()})
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
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
