package nats

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleygo/parley/channel"
)

// bucket is the key-value bucket of leases. It is in the server's memory: when that is
// lost, all who live say again what they had.
type bucket struct {
	transport *Transport
	opening   chan struct{} // held by whoever opens

	mu    sync.Mutex
	found jetstream.Stream     // nil until it is open; then others may use it, be it gone
	gone  bool                 // it has to be looked for again
	until map[string]time.Time // leases of this process cannot lapse before, by its own clock

	sweeps sweeps
}

// errChanged says that somebody else has changed a lease at the same time.
var errChanged = errors.New("nats: the lease has changed")

func (b *bucket) init(t *Transport) {
	b.transport, b.opening, b.until = t, make(chan struct{}, 1), make(map[string]time.Time)
	b.sweeps.bucket = b
}

func (b *bucket) name() string   { return b.transport.options.Prefix + "-leases" }
func (b *bucket) stream() string { return "KV_" + b.name() }
func (b *bucket) keys() string   { return "$KV." + b.name() + "." }

func (b *bucket) leaseKey(owner string) string { return b.keys() + "lease." + owner }
func (b *bucket) records() string              { return b.keys() + "rec." }

// record returns the subject of an owner's record without that of the record itself.
// "*" is any.
func (b *bucket) record(owner, stay, key string) string {
	if owner != "*" {
		owner = token(owner)
	}
	if key != "*" {
		key = token(key)
	}
	return b.records() + owner + "." + stay + "." + key
}

func (b *bucket) subject(owner, stay string, r *channel.Record) (string, error) {
	tokens, err := encode(r.Subject)
	return b.record(owner, stay, r.Key) + "." + tokens, err
}

// remember notes until when the lease of an owner cannot have lapsed.
func (b *bucket) remember(owner string, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until.IsZero() {
		delete(b.until, owner)
	} else {
		b.until[owner] = until
	}
}

func (b *bucket) remembered(owner string) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until[owner]
}

func (b *bucket) handle() jetstream.Stream {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.found
}

func (b *bucket) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.found != nil && !b.gone
}

func (b *bucket) set(found jetstream.Stream) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.found, b.gone = found, false
}

// open makes the bucket if there is none.
func (b *bucket) open(ctx context.Context) error {
	if b.isOpen() {
		return nil
	}
	select {
	case b.opening <- struct{}{}:
		defer func() { <-b.opening }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if b.isOpen() {
		return nil // others have done it meanwhile
	}
	found, err := b.transport.js.Stream(ctx, b.stream())
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		found, err = b.create(ctx)
	}
	if err == nil {
		b.set(found)
	}
	return err
}

// create makes the stream that is a bucket of NATS. Only its leader answers for it, not
// one of the replicas that may lag behind, as in buckets that nats.go makes.
func (b *bucket) create(ctx context.Context) (jetstream.Stream, error) {
	config := jetstream.StreamConfig{
		Name:              b.stream(),
		Description:       "who is present, kept by Parley",
		Subjects:          []string{b.keys() + ">"},
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardNew,
		AllowRollup:       true,
		DenyDelete:        true,
		Storage:           jetstream.MemoryStorage,
		Replicas:          b.transport.options.Replicas,
	}
	found, err := b.transport.js.CreateStream(ctx, config)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return b.transport.js.Stream(ctx, b.stream())
	}
	return found, overlapping(err)
}

// lost has the bucket looked for again. It reports whether there is time for that.
func (b *bucket) lost(ctx context.Context) bool {
	b.mu.Lock()
	b.gone = true
	b.mu.Unlock()
	select {
	case <-time.After(lull):
		return true
	case <-ctx.Done():
		return false
	}
}

// put writes a lease, provided that it is still the one with this number.
func (b *bucket) put(ctx context.Context, l lease) (uint64, error) {
	return b.swap(ctx, l, &natsgo.Msg{Data: l.text()})
}

func (b *bucket) swap(ctx context.Context, l lease, m *natsgo.Msg) (uint64, error) {
	m.Subject = b.leaseKey(token(l.owner))
	identify(m)
	ack, err := b.transport.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0),
		jetstream.WithExpectLastSequencePerSubject(l.sequence))
	var api *jetstream.APIError
	if errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
		return b.own(ctx, m)
	} else if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// own returns the number of a message that has changed a lease already: that of which the
// answer was lost. It fails if it was somebody else's.
func (b *bucket) own(ctx context.Context, m *natsgo.Msg) (uint64, error) {
	newest, err := b.handle().GetLastMsgForSubject(ctx, m.Subject)
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, err
	}
	const id = jetstream.MsgIDHeader
	if err != nil || newest.Header.Get(id) != m.Header.Get(id) {
		return 0, errChanged
	}
	return newest.Sequence, nil
}

// remove removes a lease and its records, unless the lease has changed.
func (b *bucket) remove(ctx context.Context, l lease) error {
	mark, err := b.swap(ctx, l, &natsgo.Msg{Header: natsgo.Header{operation: []string{"DEL"}}})
	if err != nil {
		return err
	}
	if err := b.purge(ctx, b.record(l.owner, l.stay, "*")+".>"); err != nil {
		return err
	}
	return b.handle().Purge(ctx, jetstream.WithPurgeSubject(b.leaseKey(token(l.owner))),
		jetstream.WithPurgeSequence(mark+1))
}

func (b *bucket) purge(ctx context.Context, filter string) error {
	return b.handle().Purge(ctx, jetstream.WithPurgeSubject(filter))
}

const together = 256 // messages that are on their way at once

// each publishes records of a lease, many at once, and tells which numbers they have got.
func (b *bucket) each(
	ctx context.Context, l lease, count int, message func(i int) (*natsgo.Msg, error),
	has func(subject string, sequence uint64),
) error {
	stay := strings.TrimSuffix(b.record(l.owner, l.stay, "*"), "*")
	ctx, stop := b.transport.denials.watch(ctx, stay, true)
	defer stop()
	for begin := 0; begin < count; begin += together {
		messages := make([]*natsgo.Msg, min(together, count-begin))
		for i := range messages {
			var err error
			if messages[i], err = message(begin + i); err != nil {
				return err
			}
		}
		for pause := silent; len(messages) > 0; pause *= 2 {
			var err error
			if messages, err = b.send(ctx, messages, pause, has); err != nil {
				return err
			}
		}
	}
	return nil
}

// send publishes messages and returns those that nobody has answered after a pause. They may
// be published again: the newest of a subject is kept.
func (b *bucket) send(
	ctx context.Context, messages []*natsgo.Msg, pause time.Duration,
	has func(subject string, sequence uint64),
) (left []*natsgo.Msg, err error) {
	sent := make([]jetstream.PubAckFuture, len(messages))
	for i, m := range messages {
		sent[i], err = b.transport.js.PublishMsgAsync(m, jetstream.WithRetryAttempts(0))
		if err != nil {
			return nil, err
		}
	}
	soon, cancel := context.WithTimeout(ctx, pause)
	defer cancel()
	for i, future := range sent {
		select {
		case ack := <-future.Ok():
			has(messages[i].Subject, ack.Sequence)
		case err := <-future.Err():
			return nil, err
		case <-soon.Done():
			left = append(left, messages[i])
		}
	}
	if len(left) > 0 && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return left, err
}

// erase puts marks in the place of records, and has the marks purged later: that takes a
// request each.
func (b *bucket) erase(ctx context.Context, l lease, records []channel.Record) error {
	return b.each(ctx, l, len(records), func(i int) (*natsgo.Msg, error) {
		subject, err := b.subject(l.owner, l.stay, &records[i])
		return &natsgo.Msg{Subject: subject, Header: natsgo.Header{operation: []string{"DEL"}}}, err
	}, b.sweeps.add)
}

const operation = "KV-Operation" // the header of a mark

// read returns the messages of leases or records, in no order, and what time it is for the
// server. None is missing that is there all the time: of those that are not in an answer
// that is not whole, or is of a replica, which may lag behind, the leader is asked.
func (b *bucket) read(
	ctx context.Context, filter string,
) (now time.Time, messages []kept, err error) {
	now, messages, whole, err := b.transport.read(ctx, question{stream: b.stream(), filter: filter})
	if err != nil || whole && b.handle().CachedInfo().Config.Replicas <= 1 {
		return now, messages, err
	}
	missing, err := b.subjects(ctx, filter)
	if err != nil {
		return now, nil, err
	}
	for i := range messages {
		delete(missing, messages[i].subject)
	}
	messages, err = b.newest(ctx, missing, messages)
	return now, messages, err
}

const asking = 32 // for the newest messages of subjects, at once

// newest appends the newest message of each subject that has one.
func (b *bucket) newest(
	ctx context.Context, subjects map[string]uint64, messages []kept,
) (all []kept, err error) {
	var mu sync.Mutex
	var running sync.WaitGroup
	free := make(chan struct{}, asking)
	for subject := range subjects {
		free <- struct{}{}
		running.Go(func() {
			m, failed := b.handle().GetLastMsgForSubject(ctx, subject)
			mu.Lock()
			if failed == nil {
				messages = append(messages, kept{m.Sequence, m.Time, m.Subject, m.Header, m.Data})
			} else if !errors.Is(failed, jetstream.ErrMsgNotFound) {
				err = failed
			}
			mu.Unlock()
			<-free
		})
	}
	running.Wait()
	return messages, err
}

// subjects returns those of a filter that the leader has messages of.
func (b *bucket) subjects(ctx context.Context, filter string) (map[string]uint64, error) {
	info, err := b.handle().Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return nil, err
	}
	return info.State.Subjects, nil
}

// decode is the inverse of encode.
func decode(tokens string) (subject string, ok bool) {
	parts := strings.Split(tokens, ".")
	for i, part := range parts {
		if parts[i], ok = untoken(part); !ok {
			return "", false
		}
	}
	return strings.Join(parts, "."), true
}
