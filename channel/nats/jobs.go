package nats

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleygo/parley/channel"
)

// jobs are the work queues of a prefix: one stream, of which each subject has a consumer
// that all takers share. JetStream knows one time for a consumer, after which it gives a
// job to another: the longest that anybody has wanted to hold one. So a transport lets go
// by itself of what its callers have held for too long, and knows then that it is not
// theirs any more, which JetStream would not.
type jobs struct {
	transport *Transport

	opening sync.Mutex // while a consumer is made
	proof   proof

	mu     sync.Mutex
	queues map[string]time.Duration // by consumer: how long it waits for those who hold
	held   map[string]*time.Timer   // by where to answer; it lets go of the job
}

const (
	grace   = time.Second      // for a transport that lives to let go before the server does
	waiting = 20 * time.Second // for a job, in one request

	mostTaken   = 1000 // in one request, which has room for them
	longestHold = 365 * 24 * time.Hour
)

func (j *jobs) init(t *Transport) {
	j.transport = t
	j.queues, j.held = make(map[string]time.Duration), make(map[string]*time.Timer)
}

func (j *jobs) stream() string { return j.transport.options.Prefix + "-jobs" }

// consumer names the consumer of a subject: by a digest, for a name may hold less.
func consumerOf(wire string) string {
	sum := sha256.Sum256([]byte(wire))
	return hex.EncodeToString(sum[:16])
}

// Enqueue implements channel.Jobs.
func (t *Transport) Enqueue(ctx context.Context, subject string, payload []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	wire, err := t.subject(queued, subject)
	if err != nil {
		return err
	}
	ctx, cancel := t.request(ctx)
	defer cancel()
	message := &natsgo.Msg{Subject: wire, Data: payload}
	for {
		ack, err := t.jobs.proof.publish(ctx, t.js, message)
		if errors.Is(err, jetstream.ErrNoStreamResponse) {
			if made := t.jobs.create(ctx); made != nil && !gone(made) {
				err = made
			} else if sleep(ctx) == nil {
				continue
			}
		}
		if err == nil && ack.Stream != t.jobs.stream() { // where nobody takes it
			err = fmt.Errorf("stream %s has our subjects", ack.Stream)
		}
		if err != nil {
			return t.unanswered(ctx, err)
		}
		return nil
	}
}

func (j *jobs) create(ctx context.Context) error {
	_, err := j.transport.js.CreateStream(ctx, jetstream.StreamConfig{
		Name:        j.stream(),
		Description: "jobs of workers, kept by Parley",
		Subjects:    []string{j.transport.options.Prefix + queued + ">"},
		Retention:   jetstream.WorkQueuePolicy,
		Storage:     j.transport.options.Storage,
		Replicas:    j.transport.options.Replicas,
	})
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return nil // with other options
	}
	return overlapping(err)
}

// Take implements channel.Jobs.
func (t *Transport) Take(
	ctx context.Context, subject string, limit int, hold time.Duration,
) ([]channel.Held, error) {
	wire, err := t.subject(queued, subject)
	if err != nil {
		return nil, err
	}
	for bad := (trouble{lasts: t.options.Timeout}); ctx.Err() == nil; {
		var messages []*natsgo.Msg
		err := t.jobs.open(ctx, wire, hold)
		if err == nil {
			messages, err = t.jobs.take(ctx, consumerOf(wire), min(max(limit, 1), mostTaken), bad.over)
		}
		if len(messages) > 0 {
			return t.jobs.hold(messages, hold)
		}
		switch {
		case err == nil || ctx.Err() != nil:
			bad.over()
		case errors.Is(err, context.DeadlineExceeded): // of one request: a cluster has to agree
		case gone(err), errors.Is(err, natsgo.ErrNoResponders), errors.Is(err, errPassed),
			errors.Is(err, jetstream.ErrConsumerNotFound):
			t.jobs.forget(consumerOf(wire))
			if !bad.passes(ctx) {
				return nil, t.failed(err)
			}
		default:
			return nil, t.failed(err)
		}
	}
	return nil, context.Cause(ctx)
}

// trouble is what will be right in a moment, as a rule. What lasts is told to the caller.
type trouble struct {
	lasts time.Duration
	began time.Time
	pause time.Duration
}

func (d *trouble) over() { d.began, d.pause = time.Time{}, 0 }

// passes waits for a moment, longer each time, and reports whether it may be right then.
func (d *trouble) passes(ctx context.Context) bool {
	if d.began.IsZero() {
		d.began = time.Now()
	}
	d.pause = min(max(2*d.pause, 2*time.Millisecond), 200*time.Millisecond)
	select {
	case <-time.After(d.pause):
	case <-ctx.Done():
	}
	return time.Since(d.began) < d.lasts
}

// take waits for a job for a while, and says when there was an answer.
func (j *jobs) take(
	ctx context.Context, consumer string, limit int, answered func(),
) ([]*natsgo.Msg, error) {
	ctx, unlink := j.transport.link.over(ctx)
	defer unlink()
	messages, err := j.transport.pull(ctx, j.stream(), consumer,
		pull{Batch: limit, NoWait: true}, more)
	if err != nil || len(messages) > 0 {
		return messages, err
	}
	answered()
	return j.transport.pull(ctx, j.stream(), consumer, pull{Batch: 1, Expires: waiting}, more)
}

// more is for whoever takes all that comes.
func more(*natsgo.Msg) bool { return false }

// open sees to it that the consumer of a subject is there, and waits long enough for
// those who hold. It is not given up with ctx: a cluster answers nobody for a while if
// that happens while it makes a consumer.
func (j *jobs) open(ctx context.Context, wire string, hold time.Duration) error {
	name, wait := consumerOf(wire), min(hold, longestHold)+grace
	if j.waits(name) >= wait {
		return nil
	}
	opened := make(chan error, 1)
	if !j.transport.background(func(life context.Context) {
		j.opening.Lock()
		defer j.opening.Unlock()
		opened <- j.find(life, name, wire, wait)
	}) {
		return channel.ErrClosed
	}
	select {
	case err := <-opened:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// waits returns for how long a consumer is known to wait for those who hold.
func (j *jobs) waits(consumer string) time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.queues[consumer]
}

// find makes the consumer, or has it wait longer. Another may do the same at the same time,
// so where nobody answers it looks again.
func (j *jobs) find(ctx context.Context, name, wire string, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, j.transport.options.Timeout)
	defer cancel()
	for j.waits(name) < wait {
		known, err := j.ackWait(ctx, name)
		if err == nil && known < wait {
			soon, cancel := context.WithTimeout(ctx, time.Second)
			known, err = wait, j.consume(soon, name, wire, wait)
			unanswered := soon.Err() != nil && ctx.Err() == nil
			cancel()
			if unanswered {
				continue
			}
		}
		if err != nil {
			return err
		}
		j.mu.Lock()
		j.queues[name] = known
		j.mu.Unlock()
	}
	return nil
}

// ackWait returns for how long the consumer waits for those who hold, 0 if there is none.
// Then there is a stream at least.
func (j *jobs) ackWait(ctx context.Context, name string) (time.Duration, error) {
	found, err := j.transport.js.Consumer(ctx, j.stream(), name)
	switch {
	case err == nil:
		return found.CachedInfo().Config.AckWait, nil
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return 0, j.create(ctx)
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return 0, nil
	}
	return 0, err
}

func (j *jobs) consume(ctx context.Context, name, wire string, wait time.Duration) error {
	_, err := j.transport.js.CreateConsumer(ctx, j.stream(), jetstream.ConsumerConfig{
		Durable:       name,
		FilterSubject: wire,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       wait,
		MaxAckPending: -1,
	})
	return err
}

func (j *jobs) forget(consumer string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.queues, consumer)
}

// hold notes that messages are held, until when.
func (j *jobs) hold(messages []*natsgo.Msg, hold time.Duration) ([]channel.Held, error) {
	taken := make([]channel.Held, 0, len(messages))
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, m := range messages {
		meta, err := m.Metadata()
		if err != nil {
			return taken, fmt.Errorf("nats: a job: %w", err)
		}
		id := m.Reply
		j.held[id] = time.AfterFunc(hold, func() { j.letGo(id) })
		taken = append(taken, channel.Held{ID: id, Takes: int(meta.NumDelivered), Payload: m.Data})
	}
	return taken, nil
}

// letGo gives a job that was held for too long to others.
func (j *jobs) letGo(id string) {
	if j.release(id) {
		_ = j.transport.conn.Publish(id, []byte("-NAK")) // else it is given up by the server
	}
}

// letGoOfAll is for a transport that ends.
func (j *jobs) letGoOfAll() {
	j.mu.Lock()
	held := j.held
	j.held = make(map[string]*time.Timer)
	j.mu.Unlock()
	for id, timer := range held {
		timer.Stop()
		_ = j.transport.conn.Publish(id, []byte("-NAK"))
	}
}

// release forgets a job that is held, and reports whether it is.
func (j *jobs) release(id string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	timer := j.held[id]
	if timer != nil {
		timer.Stop()
		delete(j.held, id)
	}
	return timer != nil
}

// Hold implements channel.Jobs.
func (t *Transport) Hold(
	ctx context.Context, subject string, job channel.Held, hold time.Duration,
) error {
	wire, err := t.subject(queued, subject)
	if err == nil {
		err = t.jobs.open(ctx, wire, hold)
	}
	if err != nil {
		return t.failed(err)
	}
	t.jobs.mu.Lock()
	timer := t.jobs.held[job.ID]
	held := timer != nil && timer.Stop() // else it is about to be let go
	if held {
		timer.Reset(hold)
	}
	t.jobs.mu.Unlock()
	if !held {
		return fmt.Errorf("nats: hold: %w", channel.ErrNotHeld)
	}
	return t.jobs.say(ctx, job.ID, "+WPI")
}

// Done implements channel.Jobs.
func (t *Transport) Done(ctx context.Context, _ string, job channel.Held) error {
	if !t.jobs.release(job.ID) {
		return fmt.Errorf("nats: done: %w", channel.ErrNotHeld)
	}
	return t.jobs.say(ctx, job.ID, "+ACK")
}

// Retry implements channel.Jobs.
func (t *Transport) Retry(
	ctx context.Context, _ string, job channel.Held, pause time.Duration,
) error {
	if !t.jobs.release(job.ID) {
		return fmt.Errorf("nats: retry: %w", channel.ErrNotHeld)
	}
	return t.jobs.say(ctx, job.ID, fmt.Sprintf(`-NAK {"delay": %d}`, max(pause, 0)))
}

// say tells the server what becomes of a job, and waits until it has heard. It may be told
// again, except to give the job to another, who may have it already.
func (j *jobs) say(ctx context.Context, id, what string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, cancel := j.transport.request(ctx)
	defer cancel()
	tell := insist[*natsgo.Msg]
	if strings.HasPrefix(what, "-NAK") {
		tell = asked[*natsgo.Msg]
	}
	if _, err := tell(ctx, j.transport, id, func(ctx context.Context) (*natsgo.Msg, error) {
		return j.transport.conn.RequestWithContext(ctx, id, []byte(what))
	}); err != nil {
		return j.transport.unanswered(ctx, err)
	}
	return nil
}
