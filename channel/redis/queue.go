package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/redis/rueidis"
)

// What is published on a subject that is shared goes into a list as well, out of which
// each reader takes some whenever the bell rings: what one takes no other has. A key
// says that there are readers. It outlives their connections, so that nothing is lost
// while they come back.

const (
	// idle is for how long a subject is shared, and its list kept, after the last
	// sign of a reader.
	idle = time.Minute

	// refresh is how often a reader gives one.
	refresh = 10 * time.Second

	// handful is how much a reader takes at once: so much is lost with a process
	// that dies, and so evenly are payloads shared out.
	handful = 16
)

var enqueueScript = rueidis.NewLuaScript(`
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call(ARGV[4], ARGV[5], '')
return 1`)

// enqueue adds a payload to the list of those that share its subject.
func (t *Transport) enqueue(ctx context.Context, subject string, payload []byte) error {
	added, err := enqueueScript.Exec(ctx, t.client,
		[]string{t.names.of(backlog, subject)},
		[]string{rueidis.BinaryString(payload), strconv.Itoa(t.options.Backlog),
			milliseconds(idle), t.publishWord(), t.names.of(bell, subject)}).AsInt64()
	if err == nil && added == 0 {
		return fmt.Errorf("redis: publish: too many wait for the readers of %s: %w",
			subject, parley.ErrFull)
	}
	return t.failed(ctx, "publish", err)
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// reader takes payloads of one subject for all that share it here.
type reader struct {
	t       *Transport
	subject string
	bell    chan struct{}
	over    chan struct{}

	shares []*share // this and those below are guarded by the transport's mu
	next   int      // whose turn it is
	told   bool     // that something may have been missed, or will be as soon as it is known
}

// share is one subscription. It implements channel.Subscription.
type share struct {
	reader  *reader
	deliver func(payload []byte)
	bell    channel.Subscription // nil until there is one
}

// QueueSubscribe implements channel.QueueSubscriber. What was published within the last
// minute, when the last reader had gone, is delivered as well.
func (t *Transport) QueueSubscribe(
	ctx context.Context, subject string, deliver func(payload []byte),
) (channel.Subscription, error) {
	if err := t.admits(ctx); err != nil {
		return nil, err
	}
	s := t.join(subject, deliver)
	ring := func([]byte) { s.reader.poke() }
	rings, err := t.subscribe(ctx, bell, subject, ring)
	if err == nil {
		s.bell = rings
		_, err = s.reader.register(ctx)
	}
	if err != nil {
		_ = s.Unsubscribe()
		return nil, t.failed(ctx, "subscribe", err)
	}
	s.reader.poke()
	return s, nil
}

// join adds a share to the subject's reader.
func (t *Transport) join(subject string, deliver func([]byte)) *share {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.readers[subject]
	if r == nil {
		r = &reader{t: t, subject: subject, told: true, // there was nothing to miss before
			bell: make(chan struct{}, 1), over: make(chan struct{})}
		t.readers[subject] = r
		if !t.closed {
			t.running.Go(r.run)
		}
	}
	s := &share{reader: r, deliver: deliver}
	r.shares = append(r.shares, s)
	return s
}

// Unsubscribe implements channel.Subscription. What was taken and not yet delivered goes
// to another, here or elsewhere.
func (s *share) Unsubscribe() error {
	r, t := s.reader, s.reader.t
	t.mu.Lock()
	at := slices.Index(r.shares, s)
	if at >= 0 {
		if r.shares = slices.Delete(r.shares, at, at+1); len(r.shares) == 0 {
			delete(t.readers, r.subject)
			close(r.over)
		}
	}
	t.mu.Unlock()
	if at >= 0 && s.bell != nil {
		return s.bell.Unsubscribe()
	}
	return nil
}

func (r *reader) poke() { ring(r.bell) }

// register says that the subject has readers, and reports whether that was known. To say
// it again takes no room, which the server may not have.
func (r *reader) register(ctx context.Context) (known bool, err error) {
	b, key := r.t.client.B(), r.t.names.of(readersKey, r.subject)
	err = r.t.client.Do(ctx, b.Getex().Key(key).PxMilliseconds(idle.Milliseconds()).Build()).Error()
	if rueidis.IsRedisNil(err) || answers(err, "WRONGTYPE") {
		return false, r.t.client.Do(ctx, r.sign()).Error()
	}
	return err == nil, err
}

func (r *reader) sign() rueidis.Completed {
	return r.t.client.B().Set().Key(r.t.names.of(readersKey, r.subject)).Value("").Px(idle).Build()
}

// registerAgain is for readers who are about to be told that they may have missed
// something: what is published from then on waits for them.
func (s *session) registerAgain(ctx context.Context, readers []*reader) error {
	if len(readers) == 0 {
		return nil
	}
	t := s.line.t
	ctx, cancel := context.WithTimeout(ctx, t.options.Timeout)
	defer cancel()
	signs := make([]rueidis.Completed, len(readers))
	for i, r := range readers {
		signs[i] = r.sign()
	}
	for _, result := range s.client.DoMulti(ctx, signs...) {
		if err := result.Error(); err != nil && !answered(err) {
			return err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range readers { // whose sign was refused finds out by itself
		r.told = false
	}
	return nil
}

func (r *reader) run() {
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		select {
		case <-r.t.work.Done():
			return
		case <-r.over:
			return
		case <-r.bell:
		case <-tick.C:
		}
		if r.registered() {
			r.takeAll()
		}
	}
}

// registered renews the sign that there is a reader, and reports whether it is worth to
// look. It is given before each look, so that a broker that has lost it hears of it as soon
// as the reader does. What was published without it has gone to nobody who shares.
func (r *reader) registered() bool {
	ctx, cancel := context.WithTimeout(r.t.work, r.t.options.Timeout)
	defer cancel()
	known, err := r.register(ctx)
	if err != nil && !answered(err) {
		return false // the bell rings when there is a connection
	}
	r.t.mu.Lock()
	told := r.told
	r.told = false
	r.t.mu.Unlock()
	if !known && !told {
		r.t.notices.Missed(r.subject)
	}
	return true
}

// takeAll takes what there is, and hands it over.
func (r *reader) takeAll() {
	for r.t.work.Err() == nil {
		payloads, err := r.takeSome()
		if err != nil {
			if !answered(err) {
				r.t.notices.Missed(r.subject) // perhaps it was under way
			}
			return
		}
		for i, payload := range payloads {
			if !r.hand(bytesOf(payload)) {
				r.giveBack(payloads[i:])
				return
			}
		}
	}
}

// takeSome is not given up once it has begun: what is taken has to arrive.
func (r *reader) takeSome() ([]string, error) {
	command := r.t.client.B().Lpop().Key(r.t.names.of(backlog, r.subject)).Count(handful).Build()
	return r.t.client.Do(context.Background(), command).AsStrSlice()
}

// hand gives a payload to whose turn it is, and returns false if there is nobody.
func (r *reader) hand(payload []byte) bool {
	r.t.mu.Lock()
	if len(r.shares) == 0 {
		r.t.mu.Unlock()
		return false
	}
	s := r.shares[r.next%len(r.shares)]
	r.next++
	r.t.mu.Unlock()
	r.t.hand(r.subject, s.deliver, payload)
	return true
}

// giveBack puts payloads where they were taken, for others to take.
func (r *reader) giveBack(payloads []string) {
	slices.Reverse(payloads)
	b, list := r.t.client.B(), r.t.names.of(backlog, r.subject)
	ctx, cancel := context.WithTimeout(r.t.life, r.t.options.Timeout)
	defer cancel()
	results := r.t.client.DoMulti(ctx,
		b.Lpush().Key(list).Element(payloads...).Build(),
		b.Pexpire().Key(list).Milliseconds(idle.Milliseconds()).Build(),
		r.t.publish(r.t.names.of(bell, r.subject), nil))
	if err := results[0].Error(); err != nil {
		r.t.options.Logger.Error("redis: payloads are lost with their reader",
			"subject", r.subject, "count", len(payloads), "err", err)
	}
}
