package consumer

import (
	"context"
	"hash/maphash"
	"sync"

	"github.com/parleygo/parley"
)

// lanes handle the messages of one client several at a time. Messages with the
// same key take the same lane. A lane is a goroutine only while it has work.
type lanes struct {
	conn  *Conn
	seed  maphash.Seed
	turn  int // of messages without a key
	all   []lane
	alive sync.WaitGroup
}

// lane is a queue. Reading the client pauses while the lane of its next message
// is full.
type lane struct {
	mu    sync.Mutex
	queue []parley.WebSocketReceive
	busy  bool
	room  chan struct{} // holds a token for each message that waits or is handled
}

const laneLength = 16

// receiveConcurrently receives with lanes beside it, which have ended when it
// returns.
func (c *Conn) receiveConcurrently(ctx context.Context) (err error) {
	c.lanes = &lanes{conn: c, seed: maphash.MakeSeed(), all: make([]lane, c.app.Concurrency)}
	for i := range c.lanes.all {
		c.lanes.all[i].room = make(chan struct{}, laneLength)
	}
	defer c.lanes.alive.Wait()
	defer c.cancel(parley.ErrAppPanic) // of OrderBy; too late in all other cases
	for ctx = c.receiving(ctx); err == nil; {
		err = c.hear(c.conn.Receive(ctx))
	}
	c.cancel(failureOf(err).cause)
	return err
}

func (s *lanes) of(message parley.WebSocketReceive) *lane {
	key := s.conn.app.OrderBy(message)
	if key == "" {
		s.turn++
		return &s.all[s.turn%len(s.all)]
	}
	return &s.all[maphash.String(s.seed, key)%uint64(len(s.all))]
}

// put waits for room in the message's lane.
func (s *lanes) put(message parley.WebSocketReceive) error {
	l := s.of(message)
	select {
	case l.room <- struct{}{}:
	case <-s.conn.ctx.Done():
		return nil // Receive tells how it ended
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, message)
	if !l.busy {
		l.busy = true
		s.alive.Go(func() { s.drain(l) })
	}
	return nil
}

func (s *lanes) drain(l *lane) {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.busy, l.queue = false, nil
			l.mu.Unlock()
			return
		}
		message := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		s.handle(message)
		<-l.room
	}
}

// handle handles one message beside others.
func (s *lanes) handle(message parley.WebSocketReceive) {
	c := s.conn
	defer func() {
		if value := recover(); value != nil {
			p := panicked(value)
			c.fail(failure{err: p, cause: p, panicked: p})
		}
	}()
	if c.hasFailed() {
		return
	}
	err := c.app.Blocking.run(c.ctx, func(ctx context.Context) error { return c.dispatch(ctx, message) })
	if err != nil {
		c.fail(*failureOf(err))
	}
}
