package nats

import (
	"cmp"
	"context"
	"maps"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// api is JetStream, whose requests fail at once where the server does not allow them, and
// are made again while nobody answers. Here are those that this package makes.
type api struct {
	jetstream.JetStream
	transport *Transport
}

const requests = "$JS.API." // the subjects that JetStream listens on

func (a api) StreamNameBySubject(
	ctx context.Context, subject string, _ ...jetstream.StreamListOpt,
) (string, error) {
	return insist(ctx, a.transport, requests+"STREAM.NAMES",
		func(ctx context.Context) (string, error) {
			return a.JetStream.StreamNameBySubject(ctx, subject)
		})
}

func (a api) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	found, err := insist(ctx, a.transport, requests+"STREAM.INFO."+name,
		func(ctx context.Context) (jetstream.Stream, error) { return a.JetStream.Stream(ctx, name) })
	return a.stream(name, found, err)
}

// CreateStream makes a stream, or finds that it is there as it should be.
func (a api) CreateStream(
	ctx context.Context, config jetstream.StreamConfig,
) (jetstream.Stream, error) {
	made, err := insist(ctx, a.transport, requests+"STREAM.CREATE."+config.Name,
		func(ctx context.Context) (jetstream.Stream, error) {
			return a.JetStream.CreateStream(ctx, config)
		})
	return a.stream(config.Name, made, err)
}

// UpdateStream is asked once: others may have the stream updated in between.
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
	_, err := insist(ctx, a.transport, requests+"STREAM.DELETE."+name,
		func(ctx context.Context) (any, error) { return nil, a.JetStream.DeleteStream(ctx, name) })
	return err
}

// PublishMsg has a message stored. One that bears an id is published again while nobody
// answers.
func (a api) PublishMsg(
	ctx context.Context, m *natsgo.Msg, how ...jetstream.PublishOpt,
) (*jetstream.PubAck, error) {
	if m.Header.Get(jetstream.MsgIDHeader) == "" {
		return asked(ctx, a.transport, m.Subject,
			func(ctx context.Context) (*jetstream.PubAck, error) {
				return a.JetStream.PublishMsg(ctx, m, how...)
			})
	}
	return insist(ctx, a.transport, m.Subject,
		func(ctx context.Context) (*jetstream.PubAck, error) {
			own := &natsgo.Msg{Subject: m.Subject, Header: maps.Clone(m.Header), Data: m.Data}
			ack, err := a.JetStream.PublishMsg(ctx, own, how...)
			if err == nil && ack.Sequence > 0 || err != nil && !underWay(err) {
				return ack, err
			}
			<-ctx.Done() // an earlier one is being stored
			return nil, ctx.Err()
		})
}

func (a api) Consumer(ctx context.Context, stream, name string) (jetstream.Consumer, error) {
	return insist(ctx, a.transport, requests+"CONSUMER.INFO."+stream+"."+name,
		func(ctx context.Context) (jetstream.Consumer, error) {
			return a.JetStream.Consumer(ctx, stream, name)
		})
}

// CreateConsumer makes one that has a name, or has it changed. It is asked once for one that
// is durable: others may have that changed in between.
func (a api) CreateConsumer(
	ctx context.Context, stream string, config jetstream.ConsumerConfig,
) (jetstream.Consumer, error) {
	subject := requests + "CONSUMER.CREATE." + stream + "." +
		cmp.Or(config.Name, config.Durable) + "." + config.FilterSubject
	ask := insist[jetstream.Consumer]
	if config.Durable != "" {
		ask = asked[jetstream.Consumer]
	}
	return ask(ctx, a.transport, subject,
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
	return insist(ctx, s.transport, requests+"STREAM.INFO."+s.name,
		func(ctx context.Context) (*jetstream.StreamInfo, error) { return s.Stream.Info(ctx, what...) })
}

func (s apiStream) Purge(ctx context.Context, what ...jetstream.StreamPurgeOpt) error {
	_, err := insist(ctx, s.transport, requests+"STREAM.PURGE."+s.name,
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
	return insist(ctx, s.transport, wire,
		func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
			return s.Stream.GetLastMsgForSubject(ctx, subject)
		})
}
