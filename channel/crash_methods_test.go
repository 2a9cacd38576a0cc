package channel_test

import (
	"context"
	"time"

	"github.com/parleygo/parley/channel"
)

func (m *mortal) OnInterrupt(f func(subjects []string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.interrupt = f
}

func (m *mortal) Publish(ctx context.Context, subject string, payload []byte) error {
	return m.do(ctx, func(ctx context.Context) error {
		return m.memoryTransport.Publish(ctx, subject, payload)
	})
}

func (m *mortal) Subscribe(
	ctx context.Context, subject string, deliver func([]byte),
) (channel.Subscription, error) {
	return m.subscribe(ctx, subject, func(ctx context.Context) (channel.Subscription, error) {
		return m.memoryTransport.Subscribe(ctx, subject, func(payload []byte) {
			m.deliver(func() { deliver(payload) })
		})
	})
}

func (m *mortal) QueueSubscribe(
	ctx context.Context, subject string, deliver func([]byte),
) (channel.Subscription, error) {
	return m.subscribe(ctx, subject, func(ctx context.Context) (channel.Subscription, error) {
		return m.memoryTransport.QueueSubscribe(ctx, subject, func(payload []byte) {
			m.deliver(func() { deliver(payload) })
		})
	})
}

func (m *mortal) Follow(
	ctx context.Context, subject string, deliver func(channel.Entry),
) (channel.Subscription, error) {
	return m.subscribe(ctx, subject, func(ctx context.Context) (channel.Subscription, error) {
		return m.memoryTransport.Follow(ctx, subject, func(e channel.Entry) {
			m.deliver(func() { deliver(e) })
		})
	})
}

func (m *mortal) Append(
	ctx context.Context, subject string, payload []byte, keep channel.Keep,
) (channel.Position, error) {
	return ask(ctx, m, func(ctx context.Context) (channel.Position, error) {
		return m.memoryTransport.Append(ctx, subject, payload, keep)
	}, nil)
}

func (m *mortal) Since(
	ctx context.Context, subject string, after channel.Position, limit int,
) (channel.Past, error) {
	return ask(ctx, m, func(ctx context.Context) (channel.Past, error) {
		return m.memoryTransport.Since(ctx, subject, after, limit)
	}, nil)
}

func (m *mortal) Renew(
	ctx context.Context, owner string, life time.Duration,
) (channel.LeaseState, error) {
	return ask(ctx, m, func(ctx context.Context) (channel.LeaseState, error) {
		return m.memoryTransport.Renew(ctx, owner, life)
	}, nil)
}

func (m *mortal) Enter(ctx context.Context, owner string, records []channel.Record) error {
	return m.do(ctx, func(ctx context.Context) error {
		return m.memoryTransport.Enter(ctx, owner, records)
	})
}

func (m *mortal) Exit(ctx context.Context, owner string, records []channel.Record) error {
	return m.do(ctx, func(ctx context.Context) error {
		return m.memoryTransport.Exit(ctx, owner, records)
	})
}

func (m *mortal) Present(ctx context.Context, subject string) ([]channel.Record, error) {
	return ask(ctx, m, func(ctx context.Context) ([]channel.Record, error) {
		return m.memoryTransport.Present(ctx, subject)
	}, nil)
}

func (m *mortal) Lapsed(ctx context.Context) ([]channel.LapsedLease, error) {
	return ask(ctx, m, func(ctx context.Context) ([]channel.LapsedLease, error) {
		return m.memoryTransport.Lapsed(ctx)
	}, nil)
}

func (m *mortal) Forget(ctx context.Context, owner string) error {
	return m.do(ctx, func(ctx context.Context) error { return m.memoryTransport.Forget(ctx, owner) })
}

func (m *mortal) Drop(ctx context.Context, owner string) error {
	return m.do(ctx, func(ctx context.Context) error { return m.memoryTransport.Drop(ctx, owner) })
}

func (m *mortal) Enqueue(ctx context.Context, subject string, payload []byte) error {
	return m.do(ctx, func(ctx context.Context) error {
		return m.memoryTransport.Enqueue(ctx, subject, payload)
	})
}

func (m *mortal) Take(
	ctx context.Context, subject string, limit int, hold time.Duration,
) ([]channel.Held, error) {
	return ask(ctx, m, func(ctx context.Context) ([]channel.Held, error) {
		return m.memoryTransport.Take(ctx, subject, limit, hold)
	}, nil)
}

func (m *mortal) Hold(
	ctx context.Context, subject string, job channel.Held, hold time.Duration,
) error {
	return m.do(ctx, func(ctx context.Context) error {
		return m.memoryTransport.Hold(ctx, subject, job, hold)
	})
}

func (m *mortal) Done(ctx context.Context, subject string, job channel.Held) error {
	return m.do(ctx, func(ctx context.Context) error {
		return m.memoryTransport.Done(ctx, subject, job)
	})
}

func (m *mortal) Retry(
	ctx context.Context, subject string, job channel.Held, pause time.Duration,
) error {
	return m.do(ctx, func(ctx context.Context) error {
		return m.memoryTransport.Retry(ctx, subject, job, pause)
	})
}
