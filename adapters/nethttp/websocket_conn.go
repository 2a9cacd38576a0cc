package nethttp

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/internal/leakguard"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/socket"
)

// webSocketConn is the live conversation of one WebSocket, from its handshake
// on. The app runs on a goroutine of its own (with Hold on the request's), so
// that ServeHTTP can return after the upgrade and net/http frees what it holds.
type webSocketConn struct {
	gateway *Gateway
	scope   parley.Scope
	life    life
	watch   leakguard.Watch
	entry   entry[*webSocketConn]
	facts   facts

	mu        sync.Mutex
	stop      func() // what else waits for an end; or nil
	order     protocol.WebSocket
	open      atomic.Pointer[socket.Conn] // once accepted
	gone      *parley.WebSocketDisconnect
	foreign   *foreign    // the page is of another site
	connected bool        // WebSocketConnect was received
	touched   bool        // an event was exchanged
	native    bool        // a handler was given the writer
	broke     bool        // and did not return
	finished  bool        // what the app left unsaid is said
	wasCut    bool        // by a drain
	leaving   bool        // the socket is to be closed behind what the handlers send
	sending   atomic.Bool // order lets messages pass
	beside    int32       // messages that are handled beside Receive

	handshake
}

// Receive returns the handshake, then messages, then the disconnect.
//
//parley:noescape
func (c *webSocketConn) Receive(ctx context.Context) (parley.Event, error) {
	sock, event, err := c.receiver(ctx)
	if sock == nil {
		return event, err
	}
	message, err := sock.Read(ctx) // an idle socket waits here
	return c.heard(message, err)
}

// receiver returns the socket to receive from. Where there is none yet, or no more,
// it returns what Receive does.
func (c *webSocketConn) receiver(
	ctx context.Context,
) (sock *socket.Conn, event parley.Event, err error) {
	c.mu.Lock()
	if !c.connected {
		c.connected, c.touched = true, true
		c.mu.Unlock()
		if c.refuseForeign() {
			return nil, c.disconnected(), nil
		}
		return nil, parley.WebSocketConnect{}, nil
	}
	sock = c.open.Load()
	c.mu.Unlock()
	if sock != nil {
		return sock, nil, nil
	}
	if sock, err = c.awaitAccept(ctx); sock == nil && err == nil {
		event = c.disconnected()
	}
	return sock, event, err
}

// heard makes an event of what the socket has read.
//
//go:noinline
func (c *webSocketConn) heard(message socket.Message, err error) (parley.Event, error) {
	switch err {
	case nil:
		return parley.WebSocketReceive{Type: message.Type, Data: message.Data}, nil
	case socket.ErrEnded:
		return c.disconnected(), nil
	}
	return nil, err
}

// awaitAccept waits for the handshake to be answered beside the caller.
func (c *webSocketConn) awaitAccept(ctx context.Context) (*socket.Conn, error) {
	if answered := c.whenAnswered(); answered != nil {
		select {
		case <-answered:
		case <-c.life.Done():
		case <-ctx.Done():
			if c.life.Err() == nil {
				return nil, context.Cause(ctx)
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open.Load(), nil
}

// disconnected is the event that ends the conversation, the same each time.
func (c *webSocketConn) disconnected() parley.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order.Disconnect()
	c.sending.Store(false)
	if c.gone == nil {
		c.gone = &parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: context.Cause(&c.life)}
		if sock := c.open.Load(); sock != nil {
			end := sock.Ended()
			*c.gone = parley.WebSocketDisconnect{Code: end.Code, Reason: end.Reason, Cause: end.Cause}
		}
		if c.gone.Cause == nil {
			c.gone.Cause = parley.ErrClosed // denied: the app has ended it itself
		}
	}
	return *c.gone
}

// Send answers the handshake, or sends a message or the close.
//
//parley:noescape
func (c *webSocketConn) Send(ctx context.Context, event parley.Event) error {
	switch event.(type) {
	case parley.WebSocketSend:
		return c.sendMessage(ctx, event)
	case parley.WebSocketAccept:
		return c.sendAccept(event)
	}
	return c.sendAnswer(event)
}

func (c *webSocketConn) sendMessage(ctx context.Context, event parley.Event) error {
	return c.SendMessage(ctx, event.(parley.WebSocketSend))
}

//go:noinline
func (c *webSocketConn) sendAccept(event parley.Event) error {
	err := c.there(func() error { return c.sendAnswer(event) })
	if err == parley.ErrGoexit {
		err = parley.ErrDisconnected // see upgradeExited
	}
	return err
}

func (c *webSocketConn) sendAnswer(event parley.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.touched = true
	if c.open.Load() == nil && c.life.Err() != nil {
		c.order.Disconnect()
	}
	switch event := event.(type) {
	case parley.WebSocketAccept:
		return c.accept(event)
	case parley.WebSocketClose:
		return c.close(event)
	case parley.WebSocketDeny:
		return c.deny(event)
	case parley.WebSocketResponseStart:
		return c.startDenial(event)
	case parley.WebSocketResponseBody:
		return c.continueDenial(event)
	}
	return c.order.Unknown(event)
}

// SendMessage sends a message (parley.MessageSender).
func (c *webSocketConn) SendMessage(ctx context.Context, message parley.WebSocketSend) error {
	sock, err := c.sender(message)
	if err != nil {
		return err
	}
	return sent(sock.Write(ctx, message))
}

// sender returns the socket to send a message on. While the conversation is open it
// takes no lock of it.
func (c *webSocketConn) sender(message parley.WebSocketSend) (*socket.Conn, error) {
	if c.sending.Load() && protocol.ValidMessage(message) {
		return c.open.Load(), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.touched = true
	return c.open.Load(), c.order.Send(message)
}

// sent tells the app what a write met. The order has let the message pass, so a
// socket that is closed was closed by the peer or the kit.
func sent(err error) error {
	if err == parley.ErrClosed {
		return parley.ErrDisconnected
	}
	return err
}

// Offer sends a message without ever waiting (parley.Offerer).
//
//parley:noescape
func (c *webSocketConn) Offer(message parley.WebSocketSend) error {
	sock, err := c.sender(message)
	if err != nil {
		return err
	}
	return sent(sock.Offer(message))
}

func (c *webSocketConn) place() *entry[*webSocketConn] { return &c.entry }

func (c *webSocketConn) id() uint64 { return c.facts.number }

// Badge implements census.Wearer.
func (c *webSocketConn) Badge() *census.Badge { return &c.facts.badge }
