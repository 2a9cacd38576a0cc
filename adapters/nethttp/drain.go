package nethttp

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/socket"
)

// drainWave is how long a drain takes to tell all its conversations, so that
// their clients don't all come back at once.
const drainWave = 5 * time.Second

// Stats is a Gateway's state at one moment.
type Stats struct {
	// Live counts the conversations a drain waits for: all WebSockets, and the
	// HTTP conversations whose app waits for their end.
	Live     int
	Draining bool
}

// Stats returns the Gateway's state.
func (g *Gateway) Stats() Stats {
	return Stats{Live: g.live.len(), Draining: g.draining.Load()}
}

// Drain ends the Gateway's conversations. New handshakes are answered with 503;
// open WebSockets are closed with 1012 behind what waits to be sent to them, and
// the contexts of HTTP apps that wait for their end (streams) are cancelled, all
// with the cause parley.ErrDraining, spread over the first five seconds or half
// of the time ctx leaves, whichever is less. Drain returns nil when all have
// ended. When ctx ends first it cuts the sockets that are left and returns ctx's
// cause. It may be called more than once, and beside http.Server.Shutdown, which
// does not know of WebSockets.
func (g *Gateway) Drain(ctx context.Context) error {
	g.draining.Store(true)
	g.tellAll(ctx)
	select {
	case <-g.live.emptied():
		return nil
	case <-ctx.Done():
	}
	for _, d := range g.live.all() {
		if c, ok := d.(*webSocketConn); ok {
			c.cut()
		}
	}
	return context.Cause(ctx)
}

// tellAll tells every conversation, in a random order, over the wave.
func (g *Gateway) tellAll(ctx context.Context) {
	list := g.live.all()
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	wave := drainWave
	if deadline, ok := ctx.Deadline(); ok {
		wave = min(wave, time.Until(deadline)/2)
	}
	const step = 20 * time.Millisecond
	perStep := max(1, len(list)*int(step)/max(int(wave), 1))
	if len(list) < 16 {
		perStep = len(list) // too few for a stampede
	}
	for i, d := range list {
		if i > 0 && i%perStep == 0 {
			select {
			case <-time.After(step):
			case <-ctx.Done():
			}
		}
		d.drain(parley.ErrDraining)
	}
}

// drain ends a WebSocket politely.
func (c *webSocketConn) drain(cause error) {
	c.mu.Lock()
	sock := c.socket
	c.mu.Unlock()
	if sock != nil {
		c.drainSocket(sock)
		return
	}
	if c.claim() {
		c.cancel(cause)
		answer(c.w, 503)
		c.release()
	}
}

func (c *webSocketConn) drainSocket(sock *socket.Conn) {
	sock.Close(parley.CodeOf(parley.ErrDraining), "", parley.ErrDraining)
}

// cut ends a WebSocket at once.
func (c *webSocketConn) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.socket != nil {
		c.socket.Abort(parley.ErrDraining)
	}
}
