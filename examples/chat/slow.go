package main

import (
	"context"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

// The slow client. Its handler takes a nap, and what the room says meanwhile
// waits behind it: at most maxWaiting messages. Of those that type only the
// latest is kept, and when there is no room the oldest line goes. Nobody else
// notices. The page sees from the numbers what it has missed. Who is here it knows when it
// is awake again, however many have come and gone.

// round is one nap after another, until the page has had enough.
type round struct {
	Number int `json:"number"`
}

// dawdle begins and ends the naps.
func (m *member) dawdle(ctx context.Context, conn *consumer.Conn, slow switched) error {
	m.slow++ // a nap that is due belongs to a round before
	if !slow.On {
		return nil
	}
	return m.again(ctx, conn, round{m.slow})
}

// doze is a handler that takes too long.
func (m *member) doze(ctx context.Context, conn *consumer.Conn, nap round) error {
	if nap.Number != m.slow {
		return nil
	}
	m.nap(ctx)
	return m.again(ctx, conn, nap)
}

// again has the next nap wait its turn behind what has come meanwhile.
func (m *member) again(ctx context.Context, conn *consumer.Conn, nap round) error {
	message, err := channel.JSON("chat.nap", nap)
	if err != nil {
		return err
	}
	if err := conn.Layer().Send(ctx, conn.Name(), message); err != nil && ctx.Err() == nil {
		return err
	}
	return nil // or the page has gone
}

// nap is how long a slow client does nothing.
func nap(ctx context.Context) {
	timer := time.NewTimer(2 * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
