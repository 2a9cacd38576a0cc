package consumer

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/usercode"
)

// queues hold the messages of one client of which several are handled at a time.
// Messages with the same key take the same queue, which has a goroutine only
// while it has work. Reading the client pauses while there is no room.
type queues struct {
	conn  *Conn
	seed  maphash.Seed
	turn  int // of messages without a key
	alive sync.WaitGroup
	drain protocol.Handling // told of what is handled
	freed chan struct{}     // holds a token when there may be room

	mu    sync.Mutex
	ids   []uint64 // of requests that are being handled
	all   []queue
	bytes int // of what waits or is handled, in all queues
}

type queue struct {
	waiting []parley.WebSocketReceive
	busy    bool
}

const (
	maxWaiting = 16      // messages in one queue
	maxBytes   = 1 << 20 // in all of them; what is alone may be larger
)

// receiveConcurrently receives, with handlers beside it that have ended when it
// returns.
func (c *Conn) receiveConcurrently(ctx context.Context) (err error) {
	c.queues = &queues{
		conn: c, seed: maphash.MakeSeed(), all: make([]queue, c.app.options.Concurrency),
		drain: protocol.HandlingOf(c.conn),
		freed: make(chan struct{}, 1),
	}
	ctx = c.receiving(ctx)
	usercode.Call(func() (err error) {
		for err == nil {
			err = c.hear(c.conn.Receive(ctx))
		}
		return err
	}, func(ended error) {
		err = ended
		c.life.End(outcomeOf(err).cause) // the handlers hear of it before they are waited for
		c.queues.alive.Wait()
	})
	if panicked, ok := err.(*parley.PanicError); ok {
		panic(panicked)
	}
	return err
}

// choose asks for the message's key. What becomes of the call, its handlers have
// to hear, before they are waited for.
func (s *queues) choose(message parley.WebSocketReceive) (q *queue, err error) {
	var key string
	usercode.Call(func() error {
		key = s.conn.app.options.OrderBy(message)
		return nil
	}, func(failure error) {
		if err = failure; err != nil {
			s.conn.fail(outcomeApart(err))
		}
	})
	if key == "" {
		s.turn++
		return &s.all[s.turn%len(s.all)], err
	}
	return &s.all[maphash.String(s.seed, key)%uint64(len(s.all))], err
}

// put waits for room in the message's queue.
func (s *queues) put(message parley.WebSocketReceive) error {
	q, err := s.choose(message)
	if err != nil {
		return err
	}
	for !s.push(q, message) {
		select {
		case <-s.freed:
		case <-s.conn.ctx.Done():
			return nil // Receive tells how it ended
		}
	}
	return nil
}

// push reports whether there was room.
func (s *queues) push(q *queue, message parley.WebSocketReceive) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	size := len(message.Data)
	if len(q.waiting) >= maxWaiting || s.bytes > 0 && s.bytes+size > maxBytes {
		return false
	}
	s.bytes += size
	s.drain.Handling(1)
	q.waiting = append(q.waiting, message)
	if !q.busy {
		q.busy = true
		s.alive.Go(func() { s.work(q) })
	}
	return true
}

// work handles what is in the queue, and then is gone.
func (s *queues) work(q *queue) {
	for {
		s.mu.Lock()
		if len(q.waiting) == 0 {
			q.busy, q.waiting = false, nil
			s.mu.Unlock()
			return
		}
		message := q.waiting[0]
		q.waiting[0] = parley.WebSocketReceive{}
		q.waiting = q.waiting[1:]
		s.mu.Unlock()
		s.tellOfRoom()
		s.handle(message)
	}
}

// handle handles one message beside others. A handler that takes this goroutine
// with it has ended the connection, and so the queue needs none any more.
func (s *queues) handle(message parley.WebSocketReceive) {
	c := s.conn
	defer s.free(len(message.Data))
	if c.hasFailed() {
		return
	}
	usercode.Call(func() error {
		return c.app.run(c.ctx, func(ctx context.Context) error { return c.dispatch(ctx, message) })
	}, func(err error) {
		if err != nil {
			c.fail(outcomeApart(err))
		}
	})
}

func (s *queues) free(size int) {
	s.drain.Handling(-1)
	s.mu.Lock()
	s.bytes -= size
	s.mu.Unlock()
	s.tellOfRoom()
}

func (s *queues) tellOfRoom() {
	select {
	case s.freed <- struct{}{}:
	default:
	}
}

// begin reports whether no request with this id is being handled, and notes that one
// is. Where messages are handled one at a time there never is one.
func (s *queues) begin(id uint64) bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.ids, id) {
		return false
	}
	s.ids = append(s.ids, id)
	return true
}

// finish forgets the id of a request.
func (s *queues) finish(id uint64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = slices.DeleteFunc(s.ids, func(other uint64) bool { return other == id })
}
