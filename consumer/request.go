package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/usercode"
)

// request is a message whose client waits for an answer. It gets one, whatever
// becomes of the handler, or the end of its connection.
type request struct {
	conn     *Conn
	id       uint64
	ctx      context.Context // of the handler
	finished atomic.Bool     // answered, or in no need of it any more
	overdue  sync.WaitGroup  // late, while it may run
}

var errIDInUse = errors.New(`"id" is that of a request that is not answered yet`)

// receiveRequest calls the handler of a message with an id. One that does not return
// leaves its connection to end as failed, and is answered all the same: a client that
// comes back should not ask for that again.
func (c *Conn) receiveRequest(
	ctx context.Context, message parley.WebSocketReceive, h head, handle typedHandler,
) error {
	c.app.counters.add(countRequests)
	if !c.queues.begin(h.id) {
		return c.refuse(ctx, message, &undecodable{errIDInUse})
	}
	r := &request{conn: c, id: h.id}
	defer r.limit(ctx)()
	returned := false
	defer func() {
		if !returned {
			_ = usercode.Run(func() error { return r.refuse(internal) })
		}
	}()
	result, err := handle(r.ctx, c, message.Data)
	data := []byte("null")
	if err == nil && result != nil {
		data, err = c.app.options.Codec.Marshal(result)
	}
	returned = true
	if err != nil {
		return r.failed(message, h, err)
	}
	return r.answer(data)
}

// limit gives the handler its time. The client is answered when it is up, whether the
// handler has noticed or not.
func (r *request) limit(ctx context.Context) (end func()) {
	r.ctx = ctx
	timeout := r.conn.app.options.RequestTimeout
	if !options.Limited(timeout) {
		return func() { r.finish() }
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, ErrRequestTimeout)
	r.ctx = ctx
	r.overdue.Add(1)
	stop := context.AfterFunc(ctx, r.late)
	return func() {
		if !stop() {
			r.overdue.Wait()
		}
		cancel()
		r.finish()
	}
}

// late answers a client whose handler has not. It runs on a goroutine of its own,
// where nobody else looks after what the conn does.
func (r *request) late() {
	defer r.overdue.Done()
	usercode.Call(func() error {
		if context.Cause(r.ctx) != ErrRequestTimeout {
			return nil // nobody is there any more
		}
		return r.refuse(late)
	}, func(err error) {
		if err != nil && !errors.Is(err, net.ErrClosed) {
			r.conn.fail(outcomeApart(err))
		}
	})
}

// failed answers by the error of the handler, or returns it to end the connection.
func (r *request) failed(message parley.WebSocketReceive, h head, err error) error {
	var refusal *Error
	bad, isUndecodable := err.(*undecodable)
	switch {
	case errors.As(err, &refusal):
		return r.refuse(refusal)
	case isUndecodable && json.Valid(message.Data):
		return r.refuse(invalid)
	case isUndecodable:
		return r.conn.refuse(r.ctx, message, bad)
	case r.ends(err):
		return err
	case context.Cause(r.ctx) == ErrRequestTimeout && errors.Is(err, context.DeadlineExceeded):
		return r.refuse(late)
	}
	// What is closed may be another's connection, and also this one, which then takes no
	// answer.
	told := r.refuse(internal)
	if told == nil || !isOver(err) {
		r.conn.app.logFailure("parley: request failed", fmt.Errorf("%.100q: %w", h.typ, err))
	}
	return told
}

// ends reports whether an error ends the connection, and that is the answer.
func (r *request) ends(err error) bool {
	var said *parley.CloseError
	return errors.Is(err, ErrStop) || errors.As(err, &said) || r.conn.ctx.Err() != nil
}

func isOver(err error) bool {
	return errors.Is(err, parley.ErrDisconnected) || errors.Is(err, parley.ErrClosed)
}

// answer sends what the client waits for, unless it has been told already.
func (r *request) answer(result []byte) error {
	if !r.finish() {
		return nil
	}
	return r.conn.reply(r.id, "result", result)
}

// refuse is answer for a request that went wrong.
func (r *request) refuse(refusal *Error) error {
	if !r.finish() {
		return nil
	}
	r.conn.app.counters.add(countFailed)
	return r.conn.reply(r.id, "error", refusal.encode())
}

// finish reports whether nobody has finished the request before. From then on the
// client may use its id again.
func (r *request) finish() bool {
	if r.finished.Swap(true) {
		return false
	}
	r.conn.queues.finish(r.id)
	return true
}
