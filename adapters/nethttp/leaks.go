package nethttp

import (
	"context"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/internal/leakguard"
	"github.com/parleygo/parley/internal/lifetime"
	"github.com/parleygo/parley/internal/meter"
	"github.com/parleygo/parley/internal/options"
)

// life is the context of a conversation.
type life struct {
	lifetime.Context
	of *webSocketConn
}

// Cancel implements socket.Life.
func (l *life) Cancel(cause error) { l.of.cancel(cause) }

// cancel ends the conversation's context. Its app may go on for a while.
func (c *webSocketConn) cancel(cause error) {
	c.life.End(cause)
	c.expectReturn()
}

// expectReturn looks after an app that has nobody to talk to any more.
func (c *webSocketConn) expectReturn() {
	if guard := &c.gateway.leaks; options.Limited(guard.After) {
		c.watch.Ended(guard.After, c.reportLeak)
	}
}

func (c *webSocketConn) reportLeak() {
	seen, cause := c.describe(), context.Cause(&c.life)
	if cause == nil {
		cause = parley.ErrClosed // denied
	}
	c.gateway.leaks.Report(leakguard.Overdue{
		Protocol: "websocket", Route: seen.Route, Path: seen.Path, Age: time.Since(seen.Begun),
		Cause: cause, Frame: "nethttp.(*webSocketConn).run", Of: c,
	})
}

// look looks at the requests that are being served, now and then while there are some:
// to be told of their end would cost each of them more than all the rest.
func (q *requests) look(guard *leakguard.Guard) {
	now := meter.Now()
	q.clock.Store(int64(now))
	var overdue []leakguard.Overdue
	live := 0
	for s := range q.made() {
		s.mu.Lock()
		live += s.live
		for rec := s.first; rec != nil; rec = rec.next {
			if rec.isOverdue(now, guard.After) {
				overdue = append(overdue, rec.describe(now))
			}
		}
		s.mu.Unlock()
	}
	for _, app := range overdue {
		guard.Report(app)
	}
	q.looking.Store(false)
	if live > 0 {
		q.lookLater(guard)
	}
}

// lookLater sees to it that there is a look, soon enough.
func (q *requests) lookLater(guard *leakguard.Guard) {
	if options.Limited(guard.After) && q.looking.CompareAndSwap(false, true) {
		q.clock.Store(int64(meter.Now()))
		time.AfterFunc(guard.After/2, func() { q.look(guard) })
	}
}

// isOverdue reports, once, whether the request's app goes on though its conversation
// was over at a look that is long ago. The caller holds the shard's mu.
func (rec *record) isOverdue(now, after time.Duration) bool {
	switch {
	case rec.ctx.Err() == nil && (rec.conn == nil || !rec.conn.ctx.isOver()):
		return false
	case !rec.over:
		rec.over, rec.gone = true, now
		return false
	case rec.reported || now-rec.gone < after:
		return false
	}
	rec.reported = true
	return true
}

// describe tells of a request that is overdue.
func (rec *record) describe(now time.Duration) leakguard.Overdue {
	app := leakguard.Overdue{
		Protocol: "http", Path: census.Path(rec.path), Age: now - rec.since,
		Cause: context.Cause(rec.ctx), Frame: "nethttp.(*record).serve", Of: rec,
	}
	if rec.conn != nil {
		app.Route, _ = rec.conn.facts.badge.Read()
		app.Frame, app.Of = "nethttp.(*httpConn).run", rec.conn
	}
	if app.Cause == nil || app.Cause == context.Canceled {
		app.Cause = parley.ErrDisconnected
	}
	return app
}

// isOver reports whether the context has ended, to one who does not wait for it.
func (l *liveContext) isOver() bool {
	armed := l.armed.Load()
	return armed != nil && armed.Context.Err() != nil
}
