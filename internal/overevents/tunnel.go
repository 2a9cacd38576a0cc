package overevents

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/usercode"
)

// tunnelGrace is how long a handler may take to hear of the end of its socket.
const tunnelGrace = 5 * time.Second

// tunnel is a WebSocket that a handler has hijacked, to speak the protocol on it by
// itself. The handler holds one end of a pipe; at the other its frames become events,
// which pass whatever wraps the conn, and events become frames.
type tunnel struct {
	ctx  context.Context // the conversation's
	conn parley.Conn
	near *side         // the kit's end of the pipe
	far  *side         // the handler's
	from *bufio.Reader // what the handler writes
	into frameWriter   // what the handler reads

	stop     context.CancelFunc // ends a Receive
	goodbyes atomic.Int32       // how many sides have said goodbye
	done     chan struct{}
	err      error // once done
}

// openTunnel makes a tunnel and the handler's end of it. accept is the handler's
// answer to the handshake, or nil if it is to come through the pipe.
func openTunnel(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, accept *parley.WebSocketAccept,
) (*tunnel, net.Conn) {
	end, otherEnd := net.Pipe()
	near, far := &side{Conn: end}, &side{Conn: otherEnd}
	reading, stop := context.WithCancel(context.WithoutCancel(ctx)) // the conn tells of the end
	t := &tunnel{
		ctx: ctx, conn: conn, near: near, far: far, stop: stop, done: make(chan struct{}),
		from: bufio.NewReader(near), into: frameWriter{w: near},
	}
	go usercode.Call(func() error { return t.serve(reading, accept) }, t.end)
	return t, &hijackedConn{Conn: far, scope: scope}
}

// serve answers the handshake and goes on with the socket.
func (t *tunnel) serve(reading context.Context, accept *parley.WebSocketAccept) error {
	if accept == nil {
		var err error
		if accept, err = t.readAnswer(); accept == nil {
			return err
		}
	}
	if err := t.conn.Send(t.ctx, *accept); err != nil {
		return err
	}
	received := make(chan error, 1)
	go usercode.Call(func() error { return t.receive(reading) }, func(err error) {
		if err != nil {
			t.near.Close() // the handler hears of it, and so does send
		}
		received <- err
	})
	err := t.send()
	t.stop()
	t.near.Close()
	if why := <-received; err == nil && failed(why) {
		return why
	}
	return err
}

// failed reports whether receiving ended for another reason than the end of the socket
// or of the tunnel.
func failed(err error) bool {
	for _, end := range []error{
		nil, parley.ErrDisconnected, context.Canceled, io.ErrClosedPipe, os.ErrDeadlineExceeded,
	} {
		if errors.Is(err, end) {
			return false
		}
	}
	return true
}

// end notes how serve has ended.
func (t *tunnel) end(err error) {
	t.stop()
	t.near.Close()
	t.err = err
	close(t.done)
}

// wait waits for the end of the socket, which may come long after the handler's.
func (t *tunnel) wait() error {
	<-t.done
	return t.err
}

// abandon ends a tunnel whose handler has not returned in order.
func (t *tunnel) abandon() {
	t.stop()
	t.near.Close()
	<-t.done
}

// readAnswer reads what a handler answers to the handshake: an accept, or a denial
// that is sent at once.
func (t *tunnel) readAnswer() (*parley.WebSocketAccept, error) {
	response, err := http.ReadResponse(t.from, nil)
	if err != nil {
		return nil, fmt.Errorf("parley: hijacked, and not answered: %w", err)
	}
	if response.StatusCode == http.StatusSwitchingProtocols {
		return acceptOf(response.Header)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Header.Del("Connection")
	deny := parley.WebSocketDeny{Status: response.StatusCode, Header: response.Header, Body: body}
	return nil, t.conn.Send(t.ctx, deny)
}

var errExtended = errors.New("parley: handler agreed on a WebSocket extension that was not offered")

// acceptOf makes an accept of the header of a 101 answer.
func acceptOf(header http.Header) (*parley.WebSocketAccept, error) {
	if header.Get("Sec-Websocket-Extensions") != "" {
		return nil, errExtended
	}
	chosen := header.Get("Sec-Websocket-Protocol")
	for _, name := range []string{
		"Connection", "Upgrade", "Content-Length", "Transfer-Encoding",
		"Sec-Websocket-Accept", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol",
	} {
		delete(header, name)
	}
	return &parley.WebSocketAccept{Subprotocol: chosen, Header: header}, nil
}

// send makes events of the handler's frames until the handler closes its end.
func (t *tunnel) send() error {
	reader := frameReader{r: t.from}
	over := false
	for {
		op, payload, err := reader.next(t.into.pong)
		switch {
		case err == io.EOF, errors.Is(err, io.ErrClosedPipe), errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return err
		case op == opClose:
			err = t.sendClose(payload)
		case !over:
			err = t.conn.Send(t.ctx, parley.WebSocketSend{Type: op.messageType(), Data: payload})
		}
		switch {
		case errors.Is(err, parley.ErrDisconnected):
			over = true
			t.hurry() // the handler hears by reading how the conversation has ended
		case err != nil:
			return err
		}
	}
}

// sendClose says the handler's goodbye.
func (t *tunnel) sendClose(payload []byte) error {
	defer t.saidGoodbye()
	code, reason, err := parseClose(payload)
	if err != nil {
		return err
	}
	return t.conn.Send(t.ctx, parley.WebSocketClose{Code: code, Reason: reason})
}

// receive makes frames of the peer's messages until its end. It asks for the next one
// when the handler has done with the last.
func (t *tunnel) receive(ctx context.Context) error {
	for {
		event, err := t.conn.Receive(ctx)
		if err != nil {
			return err
		}
		switch event := event.(type) {
		case parley.WebSocketConnect: // of a conversation nobody has received from yet
		case parley.WebSocketReceive:
			if err := t.into.frame(opOf(event.Type), event.Data); err != nil {
				return err
			}
			if err := t.handled(ctx); err != nil {
				return err
			}
		case parley.WebSocketDisconnect:
			return t.goodbye(event)
		default:
			return parley.Unexpected(event)
		}
	}
}

// handled waits until the handler has done with what it was given: it asks for more, and
// what it has said to that is sent. So what it says comes before the answer to a goodbye
// of the peer, and a drain lets it finish, as any app.
func (t *tunnel) handled(ctx context.Context) error {
	if err := t.far.await(ctx, t.near); err != nil {
		return err
	}
	return t.near.await(ctx, t.far)
}

// goodbye tells the handler of the end: by a close frame, if there was one.
func (t *tunnel) goodbye(event parley.WebSocketDisconnect) error {
	if event.Code == parley.CloseAbnormal {
		return event.Err()
	}
	t.hurry()
	defer t.saidGoodbye()
	return t.into.frame(opClose, closePayload(event.Code, event.Reason))
}

// hurry lets the handler have its end of the pipe a while longer.
func (t *tunnel) hurry() { t.near.SetDeadline(time.Now().Add(tunnelGrace)) }

// saidGoodbye notes that one side has said goodbye. When both have, all is said.
func (t *tunnel) saidGoodbye() {
	if t.goodbyes.Add(1) == 2 {
		t.near.Close()
	}
}

// hijackedConn is the handler's end of a tunnel.
type hijackedConn struct {
	net.Conn
	scope *parley.Scope
}

// LocalAddr returns the server's address.
func (c *hijackedConn) LocalAddr() net.Addr {
	if addr, ok := c.scope.Request.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		return addr
	}
	return c.Conn.LocalAddr()
}

// RemoteAddr returns the client's address.
func (c *hijackedConn) RemoteAddr() net.Addr {
	return remoteAddr(c.scope.Request.RemoteAddr)
}

type remoteAddr string

func (remoteAddr) Network() string  { return "tcp" }
func (a remoteAddr) String() string { return string(a) }
