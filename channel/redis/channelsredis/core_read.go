package channelsredis

import (
	"context"
	"time"

	"github.com/redis/rueidis"
)

// blocked is how long a read waits for a message, in seconds.
const blocked = 5

// read begins to read what lies at one host for names that begin with direct, one after
// the other, until it is stopped or the transport is closed. back is called when the host
// was lost and has come back. The caller holds mu, or has the transport to itself.
func (t *core) read(
	host int, direct string, take func(parcel, error), back func(),
) (stop context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.life)
	if ctx.Err() != nil {
		return cancel // closed meanwhile: nobody would wait
	}
	t.running.Go(func() {
		lost, pause := false, time.Duration(0)
		for ctx.Err() == nil {
			err := t.drain(ctx, t.clients[host], t.key(direct), take, func() {
				if pause = 0; lost {
					back()
				}
				lost = false
			})
			if ctx.Err() != nil {
				return
			}
			lost = true
			t.options.logger().Warn("channelsredis: host is lost", "error", err)
			pause = min(2*pause+50*time.Millisecond, 2*time.Second)
			rest(ctx, pause)
		}
	})
	return cancel
}

// drain reads over one connection, until it is lost.
func (t *core) drain(
	ctx context.Context, client rueidis.Client, key string, take func(parcel, error), ready func(),
) error {
	conn, release := client.Dedicate()
	defer release()
	defer conn.Close() // a read may still wait there
	if err := conn.Do(ctx, conn.B().Ping().Build()).Error(); err != nil {
		return err
	}
	ready()
	for {
		first, err := pop(ctx, conn, key)
		if err != nil {
			return err
		}
		for _, member := range first {
			take(t.wire.decode([]byte(member)))
		}
	}
}

// pop waits for messages, and returns those that are there, oldest first.
func pop(
	ctx context.Context, conn rueidis.DedicatedClient, key string,
) (members []string, err error) {
	const most = 100
	ctx, cancel := context.WithTimeout(ctx, (blocked+10)*time.Second) // for a host that is silent
	defer cancel()
	first, err := conn.Do(ctx, conn.B().Bzpopmin().Key(key).Timeout(blocked).Build()).ToArray()
	if rueidis.IsRedisNil(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	one, err := first[1].ToString()
	if err != nil {
		return nil, err
	}
	rest, err := conn.Do(ctx, conn.B().Zpopmin().Key(key).Count(most).Build()).AsZScores()
	members = append(members, one)
	for _, z := range rest {
		members = append(members, z.Member)
	}
	return members, nil // what was lost with the second is lost, but the first is here
}
