package nats

import (
	"cmp"
	"context"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// api is JetStream, whose requests fail at once where the server does not allow them. Here
// are those that this package makes.
type api struct {
	jetstream.JetStream
	transport *Transport
}

const requests = "$JS.API." // the subjects that JetStream listens on

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

func (a api) StreamNameBySubject(
	ctx context.Context, subject string, _ ...jetstream.StreamListOpt,
) (string, error) {
	return asked(ctx, a.transport, requests+"STREAM.NAMES",
		func(ctx context.Context) (string, error) {
			return a.JetStream.StreamNameBySubject(ctx, subject)
		})
}

func (a api) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	found, err := asked(ctx, a.transport, requests+"STREAM.INFO."+name,
		func(ctx context.Context) (jetstream.Stream, error) { return a.JetStream.Stream(ctx, name) })
	return a.stream(name, found, err)
}

func (a api) CreateStream(
	ctx context.Context, config jetstream.StreamConfig,
) (jetstream.Stream, error) {
	made, err := asked(ctx, a.transport, requests+"STREAM.CREATE."+config.Name,
		func(ctx context.Context) (jetstream.Stream, error) {
			return a.JetStream.CreateStream(ctx, config)
		})
	return a.stream(config.Name, made, err)
}

func (a api) UpdateStream(
	ctx context.Context, config jetstream.StreamConfig,
) (jetstream.Stream, error) {
	changed, err := asked(ctx, a.transport, requests+"STREAM.UPDATE."+config.Name,
		func(ctx context.Context) (jetstream.Stream, error) {
			return a.JetStream.UpdateStream(ctx, config)
		})
	return a.stream(config.Name, changed, err)
}

func (a api) DeleteStream(ctx context.Context, name string) error {
	_, err := asked(ctx, a.transport, requests+"STREAM.DELETE."+name,
		func(ctx context.Context) (any, error) { return nil, a.JetStream.DeleteStream(ctx, name) })
	return err
}

func (a api) PublishMsg(
	ctx context.Context, m *natsgo.Msg, how ...jetstream.PublishOpt,
) (*jetstream.PubAck, error) {
	return asked(ctx, a.transport, m.Subject,
		func(ctx context.Context) (*jetstream.PubAck, error) {
			return a.JetStream.PublishMsg(ctx, m, how...)
		})
}

func (a api) Publish(
	ctx context.Context, subject string, payload []byte, how ...jetstream.PublishOpt,
) (*jetstream.PubAck, error) {
	return a.PublishMsg(ctx, &natsgo.Msg{Subject: subject, Data: payload}, how...)
}

func (a api) Consumer(ctx context.Context, stream, name string) (jetstream.Consumer, error) {
	return asked(ctx, a.transport, requests+"CONSUMER.INFO."+stream+"."+name,
		func(ctx context.Context) (jetstream.Consumer, error) {
			return a.JetStream.Consumer(ctx, stream, name)
		})
}

// CreateConsumer makes one that has a name, or has it changed.
func (a api) CreateConsumer(
	ctx context.Context, stream string, config jetstream.ConsumerConfig,
) (jetstream.Consumer, error) {
	subject := requests + "CONSUMER.CREATE." + stream + "." +
		cmp.Or(config.Name, config.Durable) + "." + config.FilterSubject
	return asked(ctx, a.transport, subject,
		func(ctx context.Context) (jetstream.Consumer, error) {
			return a.JetStream.CreateOrUpdateConsumer(ctx, stream, config)
		})
}

// apiStream is a stream of api.
type apiStream struct {
	jetstream.Stream
	name      string
	transport *Transport
}

func (a api) stream(name string, found jetstream.Stream, err error) (jetstream.Stream, error) {
	if err != nil {
		return nil, err
	}
	return apiStream{found, name, a.transport}, nil
}

func (s apiStream) Info(
	ctx context.Context, what ...jetstream.StreamInfoOpt,
) (*jetstream.StreamInfo, error) {
	return asked(ctx, s.transport, requests+"STREAM.INFO."+s.name,
		func(ctx context.Context) (*jetstream.StreamInfo, error) { return s.Stream.Info(ctx, what...) })
}

func (s apiStream) Purge(ctx context.Context, what ...jetstream.StreamPurgeOpt) error {
	_, err := asked(ctx, s.transport, requests+"STREAM.PURGE."+s.name,
		func(ctx context.Context) (any, error) { return nil, s.Stream.Purge(ctx, what...) })
	return err
}

func (s apiStream) GetLastMsgForSubject(
	ctx context.Context, subject string,
) (*jetstream.RawStreamMsg, error) {
	wire := requests + "STREAM.MSG.GET." + s.name
	if s.CachedInfo().Config.AllowDirect { // as somebody else has made it
		wire = requests + "DIRECT.GET." + s.name + "." + subject
	}
	return asked(ctx, s.transport, wire,
		func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
			return s.Stream.GetLastMsgForSubject(ctx, subject)
		})
}
