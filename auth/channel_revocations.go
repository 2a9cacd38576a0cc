package auth

import (
	"context"
	"errors"
	"sync"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// ChannelRevocations is Revocations over a channel layer: a group for each
// subject, and an inbox without a queue for each watch. It reaches the processes
// that the layer reaches, and it is as fast.
type ChannelRevocations struct{ layer *channel.Layer }

// NewChannelRevocations makes a ChannelRevocations. The layer stays its owner's.
func NewChannelRevocations(layer *channel.Layer) *ChannelRevocations {
	if layer == nil {
		panic("auth: NewChannelRevocations of a nil layer")
	}
	return &ChannelRevocations{layer}
}

func revocationGroup(subject string) channel.Group { return channel.Group("auth." + subject) }

// Watch implements Revocations. A layer that is closed ends what is watched, too:
// nobody would hear of a revocation any more.
func (c *ChannelRevocations) Watch(
	ctx context.Context, subjects []string, revoked func(cause error),
) (stop func(), err error) {
	w := &channelWatch{revoked: revoked}
	inbox, err := c.layer.Open(ctx, channel.InboxOptions{
		Prefix: "auth",
		// Nothing but a kick counts.
		Deliver: func(channel.Message) channel.Verdict { return channel.Accepted },
		OnClose: w.closed,
	})
	if err != nil {
		return nil, err
	}
	for _, subject := range subjects {
		if err := inbox.Join(ctx, revocationGroup(subject)); err != nil {
			w.stop()
			inbox.Close()
			return nil, err
		}
	}
	return func() {
		w.stop()
		inbox.Close()
	}, nil
}

// Revoke implements Revocations.
func (c *ChannelRevocations) Revoke(ctx context.Context, subject string) error {
	_, err := c.layer.KickGroup(ctx, revocationGroup(subject), parley.ErrAuthExpired)
	return err
}

type channelWatch struct {
	mu      sync.Mutex
	stopped bool
	revoked func(error)
}

func (w *channelWatch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
}

// closed hands on why the inbox was closed: a kick, which from another process
// comes as a close code.
func (w *channelWatch) closed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	if parley.CodeOf(err) == parley.CloseUnauthorized || !errors.Is(err, parley.ErrDraining) {
		err = parley.ErrAuthExpired
	}
	w.revoked(err)
}
