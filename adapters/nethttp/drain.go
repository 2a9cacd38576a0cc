package nethttp

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/meter"
)

// drainWave is how long a drain takes to tell all its conversations, so that
// their clients don't all come back at once.
const drainWave = 5 * time.Second

// Drain ends the Gateway's conversations, all with the cause
// parley.ErrDraining. New handshakes are answered with 503. Open WebSockets are
// closed with 1012 behind what waits to be sent to them, and the contexts of
// HTTP apps that wait for their end, with an answer begun or in Receive, are
// cancelled, spread over the first five seconds or half of the time ctx leaves,
// whichever is less. Whoever is at work has until then: a socket whose app has
// received a message is closed when it asks for the next one, behind what it has
// sent, and a request goes on. Then the rest is told.
//
// Drain returns nil when all of these have ended. For requests whose app never asks for its
// end it does not wait: http.Server.Shutdown does. When ctx ends first it cuts those that
// are left and returns ctx's cause. It may be called more than once, and
// beside http.Server.Shutdown, which does not know of WebSockets.
func (g *Gateway) Drain(ctx context.Context) error {
	wave := drainWave
	if deadline, ok := ctx.Deadline(); ok {
		wave = min(wave, time.Until(deadline)/2)
	}
	g.overdue.Store(int64(meter.Now() + wave))
	g.draining.Store(true)
	grace := time.NewTimer(wave)
	defer grace.Stop()
	g.tellAll(ctx, wave)
	select {
	case <-g.live.emptied():
		return nil
	case <-grace.C:
	case <-ctx.Done():
	}
	for _, d := range g.live.all() {
		d.drain(true)
	}
	select {
	case <-g.live.emptied():
		return nil
	case <-ctx.Done():
	}
	for _, d := range g.live.all() {
		d.cut()
	}
	return context.Cause(ctx)
}

// tellAll tells every conversation, in a random order, over the wave.
func (g *Gateway) tellAll(ctx context.Context, wave time.Duration) {
	list := g.live.all()
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
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
		d.drain(false)
	}
}

// drain tells an HTTP app that the server wants to end, if it waits for nothing
// else or has had its time.
func (c *httpConn) drain(overdue bool) {
	if overdue || c.waits.Load() {
		c.tell(parley.ErrDraining)
	}
}

// hurry ends a context that is asked for in a drain, when its time is over: the drain
// may not have known of it.
func (g *Gateway) hurry(conn *httpConn, armed *armedContext) {
	switch {
	case !g.draining.Load():
	case conn.waits.Load():
		armed.cancel(parley.ErrDraining)
	default:
		left := time.Duration(g.overdue.Load()) - meter.Now()
		armed.mu.Lock() // it may be over at once
		defer armed.mu.Unlock()
		armed.haste = time.AfterFunc(left, func() { conn.tell(parley.ErrDraining) })
	}
}

// nowWaits notes that the app waits for its end, if it waits for anything.
func (c *httpConn) nowWaits() {
	c.waits.Store(true)
	c.record().stream.Store(true)
	if c.gateway.draining.Load() {
		c.tell(parley.ErrDraining)
	}
}
