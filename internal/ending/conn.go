package ending

import (
	"context"
	"errors"
	"sync"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/usercode"
)

// endable is an Ender over a transport or middleware that is none.
type endable struct {
	parley.Conn
	protocol parley.Protocol
	ctx      context.Context // ends with the conversation, with the cause that End gave
	cancel   context.CancelCauseFunc
	goodbyes sync.WaitGroup

	mu    sync.Mutex
	begun bool         // the answer of HTTP
	ended error        // by End
	gone  parley.Event // the disconnect that the app was told
}

func newEndable(ctx context.Context, scope *parley.Scope, conn parley.Conn) *endable {
	c := &endable{Conn: conn, protocol: scope.Protocol}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	return c
}

// Unwrap tells that messages pass unchanged.
func (c *endable) Unwrap() parley.Conn { return c.Conn }

// release is for when the app has returned: the conn is not ours any more.
func (c *endable) release() {
	c.goodbyes.Wait()
	c.cancel(nil)
}

// End implements Ender.
func (c *endable) End(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil || c.gone != nil {
		return
	}
	c.cancel(cause) // decides who was first, and is the cause of all that follows
	if !errors.Is(context.Cause(c.ctx), cause) {
		return
	}
	c.ended = cause
	if c.begun {
		c.endBelow()
	}
	if c.protocol == parley.WebSocket {
		c.goodbyes.Go(func() {
			// The conn may be wrapped by code that is not ours: what it does costs it
			// no more than its goodbye.
			usercode.Call(c.goodbye, func(error) {})
		})
	}
}

// endBelow has the transport end an answer that has begun: it cuts what is stuck on its
// way to a client that takes nothing, and knows why the app returns. One that has not
// begun is the app's, or middleware's, to give. The caller holds mu.
func (c *endable) endBelow() {
	_ = usercode.Run(func() error { // wrappers are not ours
		if transport := enderBelow(c.Conn); transport != nil {
			transport.End(c.ended)
		}
		return nil
	})
}

// goodbye denies the handshake, or closes the socket if that was accepted. A peer
// that is gone has nobody to tell.
func (c *endable) goodbye() error {
	ctx := context.WithoutCancel(c.ctx)
	if c.Conn.Send(ctx, parley.WebSocketDeny{Status: protocol.Status(c.ended)}) == nil {
		return nil
	}
	return c.Conn.Send(ctx, parley.WebSocketClose{Code: parley.CodeOf(c.ended)})
}

// Unanswered reports whether an app that has returned has left an HTTP conversation
// without an answer. Of transports that are Enders nobody needs to ask: they answer
// with the status that goes with the cause.
func Unanswered(ender Ender) bool {
	c, ok := ender.(*endable)
	if !ok {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.begun
}

// Receive tells of the end by the cause that all others tell, and of nothing that
// came after it.
func (c *endable) Receive(ctx context.Context) (parley.Event, error) {
	if event := c.over(nil); event != nil {
		return event, nil
	}
	event, err := c.Conn.Receive(ctx)
	if end := c.over(event); end != nil {
		return end, nil // also where the conn has found ctx over first
	}
	return event, err
}

// over returns the disconnect, if the conversation is over: event, if it is one,
// or the end that came before it.
func (c *endable) over(event parley.Event) parley.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch event.(type) {
	case parley.WebSocketDisconnect, parley.HTTPDisconnect:
		if c.gone == nil && c.ended == nil {
			c.gone = event
		}
	}
	if c.gone == nil && c.ended != nil {
		c.gone = parley.HTTPDisconnect{Cause: c.ended}
		if c.protocol == parley.WebSocket {
			c.gone = parley.WebSocketDisconnect{Code: parley.CodeOf(c.ended), Cause: c.ended}
		}
	}
	return c.gone
}

// Send lets an HTTP answer that was ended have its last part, and nothing else.
func (c *endable) Send(ctx context.Context, event parley.Event) error {
	c.mu.Lock()
	ended := c.ended
	c.mu.Unlock()
	if ended == nil {
		err := c.Conn.Send(ctx, event)
		if _, head := event.(parley.HTTPResponseStart); head && err == nil {
			c.begin()
		}
		return err
	}
	if last, ok := event.(parley.HTTPResponseBody); ok && !last.More {
		return c.Conn.Send(ctx, event)
	}
	return parley.ErrDisconnected
}

// begin notes that an answer of HTTP has begun, at the moment of its end perhaps.
func (c *endable) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun = true
	if c.ended != nil {
		c.endBelow()
	}
}
