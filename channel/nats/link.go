package nats

import (
	"context"
	"sync"

	natsgo "github.com/nats-io/nats.go"
)

// link is the connection that there is now: what was asked over one that is broken is
// never answered.
type link struct {
	mu     sync.Mutex
	ctx    context.Context // ends when the connection breaks
	broken context.CancelCauseFunc
}

func (l *link) made() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx == nil || l.ctx.Err() != nil {
		l.ctx, l.broken = context.WithCancelCause(context.Background())
	}
}

func (l *link) breaks() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		l.broken(natsgo.ErrDisconnected)
	}
}

// over returns a ctx for what is asked over this connection.
func (l *link) over(ctx context.Context) (context.Context, context.CancelFunc) {
	l.mu.Lock()
	now := l.ctx
	l.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(now, func() { cancel(context.Cause(now)) })
	return ctx, func() { stop(); cancel(nil) }
}

// request bounds what waits for an answer: by Options.Timeout, and by the connection.
func (t *Transport) request(ctx context.Context) (context.Context, context.CancelFunc) {
	linked, unlink := t.link.over(ctx)
	bounded, cancel := context.WithTimeout(linked, t.options.Timeout)
	return bounded, func() { cancel(); unlink() }
}

// unanswered is failed for what was asked within a ctx of request.
func (t *Transport) unanswered(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause == natsgo.ErrDisconnected {
		err = cause
	}
	return t.failed(err)
}
