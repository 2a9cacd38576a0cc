package nethttp

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strconv"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/socket"
)

// accept completes the handshake. The conversation is open when the socket is
// there, and not before.
func (c *webSocketConn) accept(event parley.WebSocketAccept) error {
	if c.refuseForeign() {
		c.order.Disconnect()
		return parley.ErrDisconnected
	}
	order := c.order
	if err := order.Accept(event, c.scope.Subprotocols); err != nil {
		return err
	}
	if !c.take() {
		c.order.Disconnect()
		return parley.ErrDisconnected
	}
	defer c.done()
	sock, err := c.upgrade(event)
	if err != nil {
		return c.upgradeFailed(err)
	}
	c.gateway.sockets.opened()
	sock.Start(&c.life)
	c.order = order
	c.facts.noteRoute(c.scope.Request)
	c.open.Store(sock)
	c.sending.Store(true)
	c.startAging()
	if c.gateway.draining.Load() {
		c.drainSocket(sock)
	}
	return nil
}

// upgrade makes the socket.
func (c *webSocketConn) upgrade(event parley.WebSocketAccept) (sock *socket.Conn, err error) {
	err = parley.ErrGoexit // unless the writer comes back
	defer c.upgradeExited(&err)
	panicked := c.write(func(w http.ResponseWriter) {
		header := maps.Clone(w.Header())
		if instead := c.head(http.StatusSwitchingProtocols, header); instead != nil {
			maps.Copy(w.Header(), header)
			c.reply(w, *instead)
			err = errAnsweredAbove
			return
		}
		delete(header, "Sec-Websocket-Protocol") // the app chooses
		c.takeHeader(header, event.Header)
		if event.Subprotocol != "" {
			header["Sec-Websocket-Protocol"] = []string{event.Subprotocol}
		}
		upgrade := c.gateway.upgrader.Upgrade
		if c.extended {
			upgrade = c.gateway.upgrader.Extend
		}
		sock, err = upgrade(w, c.scope.Request, header)
	})
	if panicked != nil {
		return nil, panicked
	}
	return sock, err
}

// upgradeFailed ends a handshake that was accepted and could not be completed: the
// client left, a writer above hides the connection, or it broke.
func (c *webSocketConn) upgradeFailed(err error) error {
	c.order.Disconnect()
	c.cancel(parley.ErrDisconnected)
	if !errors.Is(err, parley.ErrDisconnected) {
		c.write(func(w http.ResponseWriter) {
			w = innermost(w) // gin's believes by now that its head is out
			if _, ok := w.(http.Hijacker); !ok && !c.extended {
				err = fmt.Errorf("%w: %T hides http.Hijacker", err, w)
			}
			c.answer(w, http.StatusInternalServerError)
		})
		c.log(slog.LevelError, err)
	}
	return parley.ErrDisconnected
}

// upgradeExited ends a handshake that a writer above has kept from being completed: it
// has ended the goroutine. It is deferred by upgrade.
func (c *webSocketConn) upgradeExited(err *error) {
	if *err == parley.ErrGoexit {
		c.order.Disconnect()
		c.cancel(parley.ErrDisconnected)
		c.log(slog.LevelError, *err)
	}
}

// answer answers with a status, at once where ServeHTTP does not return yet.
func (c *webSocketConn) answer(w http.ResponseWriter, status int) {
	endWithAnswer(w.Header(), c.extended)
	answer(w, status)
	_ = c.flushPart(w, false)
}

// endWithAnswer has the connection end with the answer to a handshake that is refused. A
// proxy that makes a tunnel of the connection before it has seen a 101 would bring us what
// its client says next unseen, and we would serve that as requests. Clients begin anew on
// another connection anyway. Over HTTP/2 a handshake has a stream of its own.
func endWithAnswer(header http.Header, overHTTP2 bool) {
	if overHTTP2 {
		return
	}
	header["Connection"] = []string{"close"}
	if len(header["Upgrade"]) > 0 {
		header["Connection"] = []string{"close", "Upgrade"} // net/http looks at the first
	}
}

func (c *webSocketConn) close(event parley.WebSocketClose) error {
	event, what, err := c.order.Close(event)
	c.sending.Store(false)
	switch what {
	case protocol.CloseFrame:
		c.open.Load().Close(event.Code, event.Reason, parley.ErrClosed)
	case protocol.CloseDenies:
		err = c.respond(parley.WebSocketDeny{Status: http.StatusForbidden})
	}
	return err
}

func (c *webSocketConn) deny(event parley.WebSocketDeny) error {
	event, err := c.order.Deny(event)
	if err != nil {
		return err
	}
	return c.respond(event)
}

// respond answers the handshake with a whole HTTP response.
func (c *webSocketConn) respond(deny parley.WebSocketDeny) error {
	if !c.take() {
		c.order.Disconnect()
		return parley.ErrDisconnected
	}
	c.denies()
	defer c.expectReturn()
	defer c.done()
	return c.write(func(w http.ResponseWriter) {
		if instead := c.head(deny.Status, w.Header()); instead != nil {
			deny = *instead
		}
		c.reply(w, deny)
	})
}

func (c *webSocketConn) reply(w http.ResponseWriter, deny parley.WebSocketDeny) {
	c.takeHeader(w.Header(), deny.Header)
	if deny.Status != http.StatusNoContent && deny.Status != http.StatusNotModified {
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(deny.Body))}
	}
	endWithAnswer(w.Header(), c.extended)
	w.WriteHeader(deny.Status)
	c.writePart(w, deny.Body, false) // a client that is gone has nobody to tell
}
