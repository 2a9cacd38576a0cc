package channeltest

import (
	"context"
	"time"

	"github.com/parleygo/parley/channel"
)

// Publish implements channel.Transport.
func (f *FaultyTransport) Publish(ctx context.Context, subject string, payload []byte) error {
	if err := f.reaches(); err != nil {
		return err
	}
	return f.transport.Publish(ctx, subject, payload)
}

// Subscribe implements channel.Transport.
func (f *FaultyTransport) Subscribe(
	ctx context.Context, subject string, deliver func([]byte),
) (channel.Subscription, error) {
	return f.subscribe(subject, func() (channel.Subscription, error) {
		return f.transport.Subscribe(ctx, subject, func(payload []byte) {
			f.deliver(subject, func() { deliver(payload) })
		})
	})
}

// QueueSubscribe implements channel.QueueSubscriber.
func (f *FaultyTransport) QueueSubscribe(
	ctx context.Context, subject string, deliver func([]byte),
) (channel.Subscription, error) {
	queues, ok := f.transport.(channel.QueueSubscriber)
	if !ok {
		return nil, unsupported("QueueSubscribe", f.transport)
	}
	return f.subscribe(subject, func() (channel.Subscription, error) {
		return queues.QueueSubscribe(ctx, subject, func(payload []byte) {
			f.deliver(subject, func() { deliver(payload) })
		})
	})
}

func (f *FaultyTransport) log() (channel.Log, error) {
	log, ok := f.transport.(channel.Log)
	if !ok {
		return nil, unsupported("log", f.transport)
	}
	return log, f.reaches()
}

// Append implements channel.Log.
func (f *FaultyTransport) Append(
	ctx context.Context, subject string, payload []byte, keep channel.Keep,
) (channel.Position, error) {
	log, err := f.log()
	if err != nil {
		return channel.Position{}, err
	}
	return log.Append(ctx, subject, payload, keep)
}

// Follow implements channel.Log.
func (f *FaultyTransport) Follow(
	ctx context.Context, subject string, deliver func(channel.Entry),
) (channel.Subscription, error) {
	log, err := f.log()
	if err != nil {
		return nil, err
	}
	return f.subscribe(subject, func() (channel.Subscription, error) {
		return log.Follow(ctx, subject, func(e channel.Entry) {
			f.deliver(subject, func() { deliver(e) })
		})
	})
}

// Since implements channel.Log.
func (f *FaultyTransport) Since(
	ctx context.Context, subject string, after channel.Position, limit int,
) (channel.Past, error) {
	log, err := f.log()
	if err != nil {
		return channel.Past{}, err
	}
	return log.Since(ctx, subject, after, limit)
}

func (f *FaultyTransport) leases() (channel.Leases, error) {
	leases, ok := f.transport.(channel.Leases)
	if !ok {
		return nil, unsupported("leases", f.transport)
	}
	return leases, f.reaches()
}

// Renew implements channel.Leases.
func (f *FaultyTransport) Renew(
	ctx context.Context, owner string, life time.Duration,
) (channel.LeaseState, error) {
	leases, err := f.leases()
	if err != nil {
		return 0, err
	}
	return leases.Renew(ctx, owner, life)
}

// Enter implements channel.Leases.
func (f *FaultyTransport) Enter(
	ctx context.Context, owner string, records []channel.Record,
) error {
	leases, err := f.leases()
	if err != nil {
		return err
	}
	return leases.Enter(ctx, owner, records)
}

// Exit implements channel.Leases.
func (f *FaultyTransport) Exit(
	ctx context.Context, owner string, records []channel.Record,
) error {
	leases, err := f.leases()
	if err != nil {
		return err
	}
	return leases.Exit(ctx, owner, records)
}

// Present implements channel.Leases.
func (f *FaultyTransport) Present(
	ctx context.Context, subject string,
) ([]channel.Record, error) {
	leases, err := f.leases()
	if err != nil {
		return nil, err
	}
	return leases.Present(ctx, subject)
}

// Lapsed implements channel.Leases.
func (f *FaultyTransport) Lapsed(ctx context.Context) ([]channel.LapsedLease, error) {
	leases, err := f.leases()
	if err != nil {
		return nil, err
	}
	return leases.Lapsed(ctx)
}

// Forget implements channel.Leases.
func (f *FaultyTransport) Forget(ctx context.Context, owner string) error {
	leases, err := f.leases()
	if err != nil {
		return err
	}
	return leases.Forget(ctx, owner)
}

// Drop implements channel.Leases.
func (f *FaultyTransport) Drop(ctx context.Context, owner string) error {
	leases, err := f.leases()
	if err != nil {
		return err
	}
	return leases.Drop(ctx, owner)
}
