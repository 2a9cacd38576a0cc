package nats

import (
	"cmp"
	"context"
	"errors"
	"log/slog"

	natsgo "github.com/nats-io/nats.go"
)

// OnInterrupt implements channel.Interrupter.
func (t *Transport) OnInterrupt(tell func(subjects []string)) { t.notices.OnInterrupt(tell) }

// lost is told of a message that was dropped here for want of room.
func (t *Transport) lost(nats *natsgo.Subscription) {
	if sub := t.find(nats); sub != nil {
		t.notices.Missed(sub.subject)
	}
}

func (t *Transport) disconnected(_ *natsgo.Conn, err error) {
	t.link.breaks()
	t.denials.disconnected()
	t.regains.disconnected()
	t.options.logger().Warn("nats: disconnected", "err", err)
}

// reconnected is called when nats.go has sent all subscriptions again. They are told
// when the servers know of them: whoever asks then what there is misses nothing more.
func (t *Transport) reconnected(conn *natsgo.Conn) {
	t.link.made()
	t.options.logger().Info("nats: connected again", "server", conn.ConnectedUrlRedacted())
	t.background(func(ctx context.Context) {
		if err := t.peers.meet(ctx); err != nil {
			return // interrupted again, and connected again later
		}
		t.interrupted()
	})
}

// interrupted has all subscriptions told.
func (t *Transport) interrupted() {
	var subjects []string
	for _, sub := range t.subs.all() {
		subjects = append(subjects, sub.subject)
	}
	t.notices.Missed(subjects...)
}

func (t *Transport) asyncError(conn *natsgo.Conn, sub *natsgo.Subscription, err error) {
	if sub != nil && errors.Is(err, natsgo.ErrSlowConsumer) {
		t.lost(sub)
	}
	inbox, level := cmp.Or(conn.Opts.InboxPrefix, natsgo.InboxPrefix), slog.LevelWarn
	if d, is := denialOf(err); is {
		if !t.regains.hears(d, inbox) {
			level = slog.LevelDebug
		}
		t.denials.add(d, inbox) // whoever has asked again goes on now
	}
	t.options.logger().Log(context.Background(), level, "nats: error", "err", err)
}

// gaveUp is called when nats.go has closed the connection for good by itself.
func (t *Transport) gaveUp(conn *natsgo.Conn) {
	t.options.logger().Error("nats: connection closed for good", "err", conn.LastError())
}
