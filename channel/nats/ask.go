package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// silent is after how long without an answer the same is asked again, for the first time.
const silent = 250 * time.Millisecond

// asked has f ask the server by publishing to a subject. A server that does not allow that
// does not answer: it says so to the connection, and f's ctx ends.
func asked[R any](
	ctx context.Context, t *Transport, subject string, f func(ctx context.Context) (R, error),
) (result R, err error) {
	ctx, stop := t.denials.watch(ctx, subject, false)
	defer stop()
	if result, err = f(ctx); err != nil && denied(context.Cause(ctx)) {
		err = context.Cause(ctx)
	}
	return result, err
}

// insist is asked for what may be asked twice, and asks again, after pauses that double,
// while nobody answers. For in a cluster only who leads answers: a request is dropped
// without a word while a stream or a consumer is being made, or has another leader. The
// first answer counts, be it to an earlier request.
func insist[R any](
	ctx context.Context, t *Transport, subject string, f func(ctx context.Context) (R, error),
) (R, error) {
	return asked(ctx, t, subject, func(ctx context.Context) (R, error) {
		ctx, enough := context.WithCancel(ctx)
		var asking sync.WaitGroup
		defer asking.Wait()
		defer enough()
		answers := make(chan func() (R, error))
		for pause := silent; ; pause *= 2 {
			asking.Go(func() {
				result, err := f(ctx)
				select {
				case answers <- func() (R, error) { return result, err }:
				case <-ctx.Done():
				}
			})
			select {
			case answer := <-answers:
				return answer()
			case <-ctx.Done():
				var none R
				return none, ctx.Err()
			case <-time.After(pause):
			}
		}
	})
}

// identify has a message be stored once, however often it is published.
func identify(m *natsgo.Msg) {
	if m.Header == nil {
		m.Header = make(natsgo.Header)
	}
	if m.Header.Get(jetstream.MsgIDHeader) == "" {
		m.Header.Set(jetstream.MsgIDHeader, rand.Text())
	}
}

// underWay reports whether an error says that a message with the same id is being stored.
func underWay(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == 10158
}

// proof is whether a stream answers who publishes to it. Until then a message bears an id.
// Later ones do not, and are published once: a server remembers ids for minutes.
type proof struct{ answered atomic.Bool }

func (p *proof) publish(
	ctx context.Context, js api, m *natsgo.Msg,
) (*jetstream.PubAck, error) {
	if !p.answered.Load() {
		identify(m)
	}
	ack, err := js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
	p.answered.Store(err == nil)
	return ack, err
}
